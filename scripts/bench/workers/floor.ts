// What the floors have in common: a token verified with jose, the message parsed, the tool's answer written as JSON.
//
// As little as can be done by hand for one tool: no other methods, no errors worth the name, no policy, no audit. This is
// not a server that anybody could use, but what one can be compared with.

import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { NAME, noteText, SCOPE } from './offer.ts';

export interface FloorEnv {
  readonly ISSUER: string;
  readonly RESOURCE: string;
  readonly JWKS: Parameters<typeof createLocalJWKSet>[0];
}

let keys: ReturnType<typeof createLocalJWKSet> | undefined;

/** @throws what jose throws, when a token is not good */
export async function verify(token: string, env: FloorEnv): Promise<JWTPayload> {
  keys ??= createLocalJWKSet(env.JWKS);
  const { payload } = await jwtVerify(token, keys, {
    issuer: env.ISSUER,
    audience: env.RESOURCE,
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'sub'],
  });
  return payload;
}

const remembered = new Map<string, JWTPayload>();
const MOST = 2_000;

/** The same, at once for a token that was verified before. */
export async function verifyOnce(token: string, env: FloorEnv): Promise<JWTPayload> {
  const known = remembered.get(token);
  if (known && (known.exp ?? 0) > Date.now() / 1_000) return known;
  const payload = await verify(token, env);
  if (remembered.size >= MOST) remembered.clear();
  remembered.set(token, payload);
  return payload;
}

interface Message {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly name: string; readonly arguments: { readonly id: string } };
}

/** One request from token to answer. `answer` gets the identifier that the caller asked for. */
export async function serve(
  request: Request,
  env: FloorEnv,
  verifier: (token: string, env: FloorEnv) => Promise<JWTPayload>,
  answer: (id: string, payload: JWTPayload) => string | Promise<string> = noteText,
): Promise<Response> {
  const token = request.headers.get('authorization')?.slice('Bearer '.length);
  let payload: JWTPayload;
  try {
    payload = await verifier(token ?? '', env);
  } catch {
    return new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
  }
  const { id, method, params } = await request.json<Message>();
  if (!String(payload.scope).split(' ').includes(SCOPE)) return new Response(null, { status: 403 });
  const note = params.arguments.id;
  if (method !== 'tools/call' || params.name !== 'read_note' || !NAME.test(note))
    return new Response(null, { status: 400 });
  const text = await answer(note, payload);
  return Response.json({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
}
