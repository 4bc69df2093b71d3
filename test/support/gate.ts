// A Worker that trusts one issuer of the test's own, and what it must do with a token.

import { afterAll, beforeAll, expect } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from './issuer.ts';
import { decision, rpc } from './rpc.ts';
import { startWorker, type TestWorker } from './worker.ts';

export interface Gate {
  issuer: TestIssuer;
  worker: TestWorker;
  accepts(token: string, why?: string): Promise<void>;
  /** One vague face outside, the exact reason in the log, and the token in neither. */
  refuses(token: string, logged: { reason: string; detail?: string }, why?: string): Promise<void>;
}

/** Starts both before the tests of a file and stops them after. */
export function useGate({
  alg = 'ES256',
  entry = {},
  vars = {},
  main,
}: {
  alg?: string;
  entry?: object;
  vars?: object;
  main?: string;
} = {}): Gate {
  const gate = {
    async accepts(token: string, why = 'a good token') {
      const response = await rpc(gate.worker, { token });
      expect(response.status, why).toBe(200);
      expect(decision(gate.worker), why).toMatchObject({ decision: 'allow' });
    },
    async refuses(
      token: string,
      logged: { reason: string; detail?: string },
      why = logged.detail ?? logged.reason,
    ) {
      const response = await rpc(gate.worker, { token });
      const body = await response.text();
      expect(response.status, why).toBe(401);
      expect(response.headers.get('www-authenticate'), why).toBe(
        'Bearer error="invalid_token", error_description="The access token is expired, revoked or not valid for this resource", scope="reports:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
      );
      const lines = gate.worker.logs();
      expect(lines.filter(({ event }) => event === 'decision').at(-1), why).toMatchObject({
        decision: 'deny',
        ...logged,
      });
      for (const text of [body, JSON.stringify(lines)])
        expect(text.includes(token), `${why}: token echoed`).toBe(false);
    },
  } as Gate;
  beforeAll(async () => {
    gate.issuer = await startIssuer({ alg });
    gate.worker = await startWorker({
      vars: { ...trusting({ issuer: gate.issuer.issuer, ...entry }), ...vars },
      ...(main === undefined ? {} : { main }),
    });
  });
  afterAll(async () => {
    await gate.worker?.[Symbol.asyncDispose]();
    await gate.issuer?.[Symbol.asyncDispose]();
  });
  return gate;
}
