// Service keys: list, create, rotate, revoke. A key is made here and shown once; the registry gets its hash only.

import { createServiceKey } from '../auth/service-key.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import {
  nameIn,
  namesIn,
  optionalNumber,
  optionalText,
  pageOf,
  Refusal,
  readBody,
  readQuery,
  scopesIn,
  text as textIn,
  wholeNumber,
} from './inputs.ts';

const LEAST_SECONDS = 60;

export async function listServiceKeys({ url, registry }: Call): Promise<Answer> {
  const input = readQuery(url.searchParams, ['service', 'limit', 'cursor']);
  const filter = { service: optionalText(input, 'service') };
  return ok({ ...(await registry.list('serviceKeys', { filter, ...pageOf(input) })) });
}

function checkOn({ context }: Call): void {
  if (context.deployment.config.serviceKeys) return;
  throw new Refusal(
    409,
    'conflict',
    'Service keys are off: set SERVICE_KEYS = true in wrangler.toml [vars] and deploy.',
  );
}

const createId = (): string => `key_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;

export async function createKey(call: Call): Promise<Answer> {
  checkOn(call);
  const { config } = call.context.deployment;
  const members = ['service', 'owner', 'scopes', 'roles', 'expiresInSeconds', 'reason'];
  const { input, text } = await readBody(call.request, members);
  const { key, hash } = await createServiceKey();
  const wanted = {
    action: 'create_key',
    id: createId(),
    hash,
    service: nameIn(input, 'service'),
    owner: textIn(input, 'owner', 256),
    scopes: scopesIn(input, 'scopes'),
    roles: namesIn(input, 'roles'),
    expiresInSeconds: wholeNumber(input, 'expiresInSeconds', LEAST_SECONDS, config.serviceKeyMaxSeconds),
  } as const;
  const outcome = await change(call, wanted, input, text);
  return changed(call, outcome, { status: 201, ...secretOf(outcome.isReplayed, key) });
}

export async function rotateKey(call: Call): Promise<Answer> {
  checkOn(call);
  const { serviceKeyMaxSeconds } = call.context.deployment.config;
  const { input, text } = await readBody(call.request, ['reason', 'overlapSeconds', 'expiresInSeconds']);
  const { key, hash } = await createServiceKey();
  const expiresInSeconds = optionalNumber(input, 'expiresInSeconds', LEAST_SECONDS, serviceKeyMaxSeconds);
  const wanted = {
    action: 'rotate_key',
    id: call.params.id ?? '',
    newId: createId(),
    hash,
    overlapSeconds: optionalNumber(input, 'overlapSeconds', 0, serviceKeyMaxSeconds) ?? 86_400,
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  } as const;
  const outcome = await change(call, wanted, input, text);
  return changed(call, outcome, { status: 201, ...secretOf(outcome.isReplayed, key) });
}

/** A repeated request gets its answer without the key: nobody has kept it. */
function secretOf(isReplayed: boolean, key: string) {
  return isReplayed
    ? { warnings: ['The key was shown in the first answer and is not kept; rotate it if it was lost.'] }
    : { more: { key } };
}

export async function revokeKey(call: Call): Promise<Answer> {
  const input = readQuery(call.url.searchParams, ['reason']);
  return changed(call, await change(call, { action: 'revoke_key', id: call.params.id ?? '' }, input, ''));
}
