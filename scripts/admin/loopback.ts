// Where a browser brings the authorization server's answer to the command line: a listener on this machine, for one answer.
//
// On 127.0.0.1 and a free port (RFC 8252 section 7.3), for five minutes at most. Any page and any program of this machine
// can send requests to it: what lacks the `state` of this sign-in is no answer, and ends nothing.
// Does not judge the answer (grants.ts), and shows nothing of it: the page says the same whatever it was.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Loopback {
  readonly redirectUri: string;
  /** Where the browser was sent, once it was. Nobody listens any more then. */
  answer(state: string): Promise<URL>;
  close(): void;
}

const LONGEST_WAIT_MS = 300_000;

const PAGE = `<!doctype html>
<html lang="en">
<title>Back to the terminal</title>
<p>This page can be closed. How it went is in the terminal.</p>
</html>
`;

export async function listenOnLoopback(waitMs = LONGEST_WAIT_MS): Promise<Loopback> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  // Whoever never gets to wait for it has another error to tell.
  promise.catch(() => {});
  let expected: string | undefined;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', redirectUri);
    const isAnswer =
      request.method === 'GET' &&
      url.pathname === '/callback' &&
      expected !== undefined &&
      url.searchParams.get('state') === expected;
    response.writeHead(isAnswer ? 200 : 404, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'",
      'referrer-policy': 'no-referrer',
      connection: 'close',
    });
    response.end(isAnswer ? PAGE : '');
    if (!isAnswer) return;
    expected = undefined;
    response.once('close', () => {
      close();
      resolve(url);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;

  const timer = setTimeout(() => {
    close();
    reject(new Error('nobody signed in in time: run the command again'));
  }, waitMs);
  function close(): void {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  }
  return {
    redirectUri,
    answer: (state) => {
      expected = state;
      return promise;
    },
    close,
  };
}
