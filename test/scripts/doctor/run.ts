// A set-up for the doctor (an authorization server, a deployed server, a wrangler file, a token), and a run over it.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import type { Report } from '../../../scripts/doctor/report.ts';
import { type SigningKey, signingKey } from '../../support/issuer.ts';
import { authorizationServer, listen, type Routes, resourceServer } from './fakes.ts';
import type { Question } from './host.ts';

/** A doctor who looks at one set-up at a time. */
export class Doctor implements AsyncDisposable {
  readonly #process: ChildProcess = fork(join(import.meta.dirname, 'host.ts'), { execArgv: [] });

  async examine(question: Question): Promise<{ readonly report: Report; readonly text: string }> {
    const answer = once(this.#process, 'message');
    this.#process.send(question);
    const [outcome] = await answer;
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}

/** What a test may look at or spoil before the doctor comes. */
export interface World {
  readonly issuer: string;
  readonly key: SigningKey;
  readonly issuerRoutes: Routes;
  /** Origin of the deployed server; its endpoint is below it, at /mcp. */
  readonly origin: string;
  readonly serverRoutes: Routes;
  /** What the wrangler file says, as JSON, which wrangler reads as well as TOML. */
  readonly file: WranglerSettings;
  /** What .dev.vars beside it says. */
  devVars?: string;
  /** Replaces the file. */
  text?: string;
  flags: { url?: string; env?: string };
  token?: string;
}

export interface WranglerSettings {
  vars: Record<string, unknown>;
  [name: string]: unknown;
}

const OBJECTS = ['ClientSession', 'NotificationHub', 'PolicyRegistry', 'DecisionLog'];

const goodFile = (vars: Record<string, unknown>): WranglerSettings => ({
  name: 'mcp-edge',
  compatibility_date: '2026-10-20',
  compatibility_flags: ['enable_request_signal', 'disallow_importable_env'],
  observability: { enabled: true },
  kv_namespaces: [{ binding: 'KIT_KV' }],
  durable_objects: {
    bindings: ['CLIENT_SESSION', 'NOTIFICATION_HUB', 'POLICY_REGISTRY', 'DECISION_LOG'].map(
      (name, index) => ({
        name,
        class_name: OBJECTS[index],
      }),
    ),
  },
  migrations: [{ tag: 'v1', new_sqlite_classes: OBJECTS }],
  vars,
});

/** What the doctor says of a good set-up, spoilt as told. */
export async function examined(
  doctor: Doctor,
  spoil: (world: World) => void | Promise<void>,
): Promise<{ readonly report: Report; readonly text: string; readonly world: World }> {
  const key = await signingKey('ES256', 'key-1');
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  await using issuer = await listen((origin) => authorizationServer(origin, key));
  await using server = await listen((origin) => resourceServer(origin, issuer.origin));
  const url = `${server.origin}/mcp`;
  const world: World = {
    issuer: issuer.origin,
    key,
    issuerRoutes: issuer.routes,
    origin: server.origin,
    serverRoutes: server.routes,
    file: goodFile({ RESOURCE: url, AUTHORIZATION_SERVERS: [{ issuer: issuer.origin }] }),
    flags: { url },
  };
  try {
    await spoil(world);
    const path = join(folder, world.text === undefined ? 'wrangler.json' : 'wrangler.toml');
    await writeFile(path, world.text ?? JSON.stringify(world.file));
    if (world.devVars !== undefined) await writeFile(join(folder, '.dev.vars'), world.devVars);
    const { url: at, env } = world.flags;
    const flags = { config: path, env, url: at, resource: undefined, authorizationServers: undefined };
    return { ...(await doctor.examine({ flags, token: world.token })), world };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A good token for alice, spoilt as told; `undefined` leaves a claim out. */
export function tokenOf(
  { issuer, key, origin }: World,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  signer: CryptoKey | Uint8Array = key.privateKey,
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const payload: Record<string, unknown> = {
    iss: issuer,
    sub: 'alice',
    aud: `${origin}/mcp`,
    client_id: 'a-client',
    scope: 'reports:read',
    roles: ['editor'],
    jti: 'id-1',
    iat: now,
    exp: now + 600,
    ...claims,
  };
  for (const name of Object.keys(payload)) if (payload[name] === undefined) delete payload[name];
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid ?? '', typ: 'at+jwt', ...header })
    .sign(signer);
}
