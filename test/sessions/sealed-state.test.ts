// Whose sealed state counts: that of this resource, under its secret or the one before; of another deployment never.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { META, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const STAGING = 'https://staging.example.com/mcp';
const OLD = 'the secret that both of them have, long enough';
const NEW = 'the secret that takes its place, long enough';

interface Deployed {
  readonly resource: string;
  readonly worker: TestWorker;
}

let issuer: TestIssuer;
const deployed = {} as Record<'production' | 'staging' | 'rotating' | 'rotated', Deployed>;

beforeAll(async () => {
  issuer = await startIssuer();
  const { AUTHORIZATION_SERVERS } = trusting({ issuer: issuer.issuer, audience: [RESOURCE, STAGING] });
  const start = async (
    name: keyof typeof deployed,
    resource: string,
    secrets: Readonly<Record<string, string>>,
  ) => {
    const vars = { AUTHORIZATION_SERVERS, RESOURCE: resource, ...secrets };
    const worker = await startWorker({ main: 'test/support/streaming-worker.ts', vars });
    deployed[name] = { resource, worker };
  };
  await start('production', RESOURCE, { REQUEST_STATE_SECRET: OLD });
  await start('staging', STAGING, { REQUEST_STATE_SECRET: OLD });
  await start('rotating', RESOURCE, { REQUEST_STATE_SECRET: NEW, REQUEST_STATE_SECRET_PREVIOUS: OLD });
  await start('rotated', RESOURCE, { REQUEST_STATE_SECRET: NEW });
});
afterAll(async () => {
  for (const { worker } of Object.values(deployed)) await worker[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
async function call({ worker, resource }: Deployed, extra: object = {}): Promise<any> {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const params = { name: 'confirm', arguments: { text: 'it' }, ...extra, _meta };
  const init = rpcInit({ token: await issuer.sign(), method: 'tools/call', params });
  return (await worker.fetch(resource, init)).json();
}

/** Asked at one, approved at the other: the text of the tool's result, or the code of the error. */
async function approved(asking: Deployed, answering: Deployed): Promise<unknown> {
  const { requestState } = (await call(asking)).result;
  const inputResponses = { input_1: { action: 'accept', content: { confirm: true } } };
  const { result, error } = await call(answering, { inputResponses, requestState });
  return error?.code ?? result.content[0].text;
}

test('attack: what was approved at one deployment does not count at another with the same secret', async () => {
  const { production, staging } = deployed;
  expect(await approved(staging, production)).toBe(-32_602);
  expect(await approved(production, staging)).toBe(-32_602);
  for (const own of [production, staging]) expect(await approved(own, own)).toBe('it: true');
});

test('while a secret is replaced, what the one before has sealed counts; once that is gone, it does not', async () => {
  const { production, rotating, rotated } = deployed;
  expect(await approved(production, rotating)).toBe('it: true');
  expect(await approved(production, rotated)).toBe(-32_602);
  expect(await approved(rotating, rotated)).toBe('it: true');
  expect(await approved(rotating, production)).toBe(-32_602);
});
