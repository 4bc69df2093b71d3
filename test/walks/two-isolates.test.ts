// Keys are shared through KV: what one isolate has fetched, another verifies with, even when the issuer is gone.
//
// Two workerd processes of Miniflare over one KV on disk stand for two isolates; each sees its outgoing requests counted.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, trusting } from '../support/issuer.ts';
import { rpcInit } from '../support/rpc.ts';
import { RESOURCE } from '../support/worker.ts';

let build: Build;
beforeAll(async () => {
  build = await buildWorker();
});
afterAll(() => build?.[Symbol.asyncDispose]());

/** One workerd with the built Worker; `outgoing` gets every URL it fetches. */
async function isolate(issuers: object, outgoing: string[]): Promise<Miniflare & AsyncDisposable> {
  const { folder } = build;
  const contents = await readFile(join(folder, 'worker.js'), 'utf8');
  const runtime = new Miniflare({
    resourcePersistencePath: join(folder, 'state'),
    cf: false,
    handleStructuredLogs: () => {},
    workers: [
      {
        config: {
          name: 'mcp-edge',
          compatibilityDate: '2026-10-20',
          manifest: {
            mainModule: 'worker.js',
            modulesRoot: folder,
            modules: { 'worker.js': { type: 'esm', contents } },
          },
          env: {
            RESOURCE: { type: 'text', value: RESOURCE },
            AUTHORIZATION_SERVERS: { type: 'json', value: issuers as never },
            KIT_KV: { type: 'kv', id: 'kit' },
            REPORTS: { type: 'kv', id: 'reports' },
          },
          exports: {},
        },
        dev: {
          rootPath: folder,
          outboundService: {
            type: 'fetcher',
            handler: (request) => {
              outgoing.push(request.url);
              return fetch(request.url, { redirect: 'manual' }) as never;
            },
          },
        },
      },
    ],
  });
  await runtime.ready;
  return Object.assign(runtime, { [Symbol.asyncDispose]: () => runtime.dispose() });
}

test('the second isolate takes the keys from KV and asks nobody, not even when the issuer is gone', async () => {
  await using issuer = await startIssuer();
  const { AUTHORIZATION_SERVERS } = trusting(issuer);
  const call = async (runtime: Miniflare) =>
    (await runtime.dispatchFetch(RESOURCE, rpcInit({ token: await issuer.sign() }) as never)).status;

  const first: string[] = [];
  {
    await using runtime = await isolate(AUTHORIZATION_SERVERS as object, first);
    expect(await call(runtime)).toBe(200);
  }
  expect(first).toEqual([`${issuer.issuer}/.well-known/oauth-authorization-server`, `${issuer.issuer}/jwks`]);

  await issuer.close();
  const second: string[] = [];
  await using runtime = await isolate(AUTHORIZATION_SERVERS as object, second);
  expect(await call(runtime)).toBe(200);
  expect(second).toEqual([]);
});
