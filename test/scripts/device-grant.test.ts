// How the device grant waits: at the pace the authorization server wants, and not for ever (RFC 8628 section 3.5).

import { afterEach, expect, test, vi } from 'vitest';
import { type DeviceAuthorization, deviceGrant } from '../../scripts/grants.ts';

const { waits } = vi.hoisted(() => ({ waits: [] as number[] }));
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void waits.push(ms) }));

const ISSUER = 'https://as.example.com';
const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  device_authorization_endpoint: `${ISSUER}/device`,
};
const DEVICE = { device_code: 'dc', user_code: 'UC', verification_uri: `${ISSUER}/go`, expires_in: 600 };

afterEach(() => {
  waits.length = 0;
  vi.unstubAllGlobals();
});

/** Answers the polls one after the other, an error by its code. */
function answering(polls: readonly string[], device: object = DEVICE): void {
  const left = [...polls];
  vi.stubGlobal('fetch', async (url: string) => {
    if (url.includes('/.well-known/oauth-')) return new Response('', { status: 404 });
    if (url.includes('/.well-known/openid-')) return Response.json(METADATA);
    if (url.endsWith('/device')) return Response.json(device);
    const error = left.shift();
    return error === 'ok'
      ? Response.json({ access_token: 'a', token_type: 'Bearer' })
      : Response.json({ error }, { status: 400 });
  });
}

const grant = (show: (device: DeviceAuthorization) => void = () => {}) =>
  deviceGrant({ issuer: ISSUER, clientId: 'cli', show });

test('what a person needs is shown before anything is waited for', async () => {
  answering(['ok']);
  const shown: unknown[] = [];
  await grant((device) => shown.push({ ...device, waits: [...waits] }));
  expect(shown).toEqual([{ ...DEVICE, waits: [] }]);
});

test('it waits 5 s unless told otherwise, and 5 s longer from each slow_down on', async () => {
  answering(['authorization_pending', 'slow_down', 'authorization_pending', 'slow_down', 'ok']);
  expect((await grant()).access_token).toBe('a');
  expect(waits).toEqual([5_000, 5_000, 10_000, 10_000, 15_000]);
  waits.length = 0;
  answering(['authorization_pending', 'ok'], { ...DEVICE, interval: 2 });
  await grant();
  expect(waits).toEqual([2_000, 2_000]);
});

test.each(['access_denied', 'expired_token', 'invalid_grant'])('%s ends it', async (error) => {
  answering(['authorization_pending', error]);
  await expect(grant()).rejects.toThrow(error);
});

test('it does not wait beyond the end of the code', async () => {
  answering(['authorization_pending', 'ok'], { ...DEVICE, expires_in: -1 });
  await expect(grant()).rejects.toThrow('authorization_pending');
});
