// One exchange with a server as the load does it: what is sent and what must come back. Raw HTTP/1.1 over a socket.
//
// The client is this small because its own work must not become the measurement. It understands what workerd sends:
// Content-Length or chunks, keep-alive. Does not follow redirects, and knows nothing of MCP.

export interface Step {
  readonly method: 'POST' | 'GET';
  readonly headers: Readonly<Record<string, string>>;
  /** `{found}` stands for what the step before has found. */
  readonly body: string;
  readonly expect: Expectation;
  /** A regular expression: its first group, found in the answer, goes into the next step. */
  readonly find?: string;
}

export interface Expectation {
  readonly status: number;
  /** Every one of these is in the body. */
  readonly contains: readonly string[];
  /** How often this text is in the body. */
  readonly count?: readonly [text: string, times: number];
}

export type Exchange = readonly Step[];

export interface Answer {
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  readonly body: string;
}

/** What is wrong with an answer; `undefined` when nothing is. */
export function faultOf({ status, body }: Answer, expect: Expectation): string | undefined {
  const shown = () => ` (status ${status}, body ${JSON.stringify(body.slice(0, 300))})`;
  if (status !== expect.status) return `status ${expect.status} expected${shown()}`;
  const missing = expect.contains.find((text) => !body.includes(text));
  if (missing !== undefined) return `${JSON.stringify(missing)} expected${shown()}`;
  if (expect.count) {
    const [text, times] = expect.count;
    const found = body.split(text).length - 1;
    if (found !== times) return `${times} times ${JSON.stringify(text)} expected, not ${found}${shown()}`;
  }
  return undefined;
}

/** A step as it goes over the wire. */
export function wire(path: string, host: string, step: Step, found: string | undefined): Buffer {
  const body = found === undefined ? step.body : step.body.replaceAll('{found}', found);
  const lines = Object.entries(step.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = step.method === 'POST' ? `content-length: ${Buffer.byteLength(body)}\r\n` : '';
  return Buffer.from(
    `${step.method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines.join('')}${length}\r\n${body}`,
  );
}

const CHUNKS_END = '\r\n0\r\n\r\n';

/** The answer in what has arrived so far; `undefined` while it is not complete. */
export function readAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const status = Number(text.slice(9, 12));
  const head = text.slice(0, headEnd);
  const bodyAt = headEnd + 4;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = bodyAt + Number(length);
    return text.length < end ? undefined : { status, head, body: text.slice(bodyAt, end) };
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return { status, head, body: '' };
  // The end of the chunks is preceded by the end of a line: of the last chunk, or of the head.
  if (!text.endsWith(CHUNKS_END)) return undefined;
  return { status, head, body: dechunk(text.slice(bodyAt)) };
}

function dechunk(text: string): string {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
