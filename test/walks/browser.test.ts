// A person with a real browser: sign-in and consent at the local authorization server, up to a call with the token.
//
// Needs Chromium (CHROMIUM, or where Debian puts it). On a machine without one the test is skipped, in CI it fails.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64url } from 'jose';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { discover } from '../../scripts/grants.ts';
import { freePort, type LocalStack, startLocalStack } from '../../scripts/local-stack.ts';
import { rpcInit } from '../support/rpc.ts';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const canRun = process.env.CI === 'true' || existsSync(EXECUTABLE);

let stack: LocalStack;
let persist: string;
beforeAll(async () => {
  if (!canRun) return;
  persist = await mkdtemp(join(tmpdir(), 'browser-'));
  stack = await startLocalStack({ port: await freePort(), authorizationServerPort: 0, persist });
});
afterAll(async () => {
  await stack?.close();
  if (persist) await rm(persist, { recursive: true, force: true });
});

/** What a desktop client listens on while the person is in the browser. */
async function callbackServer() {
  let arrived: (url: URL) => void;
  const callback = new Promise<URL>((resolve) => {
    arrived = resolve;
  });
  const server = createServer((request, response) => {
    response.end('You can close this window.');
    if (request.url?.startsWith('/callback')) arrived(new URL(request.url, 'http://127.0.0.1'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return { redirectUri, callback, close: () => server.close() };
}

test.runIf(canRun)('a person signs in as alice, consents, and the client calls a tool', async () => {
  const { authorization_endpoint, token_endpoint } = await discover(stack.issuer);
  const { redirectUri, callback, close } = await callbackServer();
  const verifier = base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
  const challenge = base64url.encode(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
  );
  const url = new URL(authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'cli',
    redirect_uri: redirectUri,
    scope: 'reports:read',
    resource: stack.mcp,
    state: 'some-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString();

  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(url.href);
    await page.getByRole('button', { name: /alice/i }).click();
    await page.getByText('reports:read').first().waitFor();
    expect(await page.getByText(stack.mcp).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: /allow/i }).click();
    const { searchParams } = await callback;
    expect(searchParams.get('state')).toBe('some-state');
    expect(searchParams.get('iss')).toBe(stack.issuer);

    const response = await fetch(token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'cli',
        code: searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource: stack.mcp,
      }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    const called = await fetch(
      stack.mcp,
      rpcInit({ token: access_token, method: 'tools/call', params: { name: 'list_reports' } }),
    );
    const { result } = (await called.json()) as { result: { structuredContent: { reports: unknown[] } } };
    expect(result.structuredContent.reports).toHaveLength(3);
  } finally {
    await browser.close();
    close();
  }
});
