// The variables that every rival gets, and the token check that all of them leave to jose.

import { env as untyped } from 'cloudflare:workers';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';

interface Variables {
  readonly ISSUER: string;
  readonly RESOURCE: string;
}

export const variables = untyped as unknown as Variables;
const { ISSUER, RESOURCE } = variables;

/** jose keeps the keys for ten minutes by itself. */
const keys = createRemoteJWKSet(new URL('/jwks', ISSUER));

/** @throws what jose throws, when a token is not good */
export async function verify(token: string): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, keys, {
    issuer: ISSUER,
    audience: RESOURCE,
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'sub'],
  });
  return payload;
}

export const scopesOf = ({ scope }: JWTPayload): string[] =>
  typeof scope === 'string' ? scope.split(' ') : [];

export const bearerOf = (request: Request): string =>
  /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';

/** For rivals whose documentation leaves the challenge to the application. */
export const challenge = (status: 401 | 403): Response =>
  new Response(null, {
    status,
    headers: {
      'www-authenticate': `Bearer resource_metadata="${new URL(RESOURCE).origin}/.well-known/oauth-protected-resource/mcp"`,
    },
  });
