// Denial -> response: the only switch on reasons. Vaguer than the log, on purpose (denial.ts).
//
// A 401 makes clients discover and sign in, so it is sent only when a new token can help; trouble of ours or of the
// issuer is a 503. A missing scope invites to step up, a missing permission does not: consent cannot fix it.

import { challenge, scopesToAskFor } from '../auth/challenge.ts';
import type { Deployment } from '../context.ts';
import type { Denial } from '../denial.ts';
import { failure, INVALID_REQUEST, type RequestMessage } from '../protocol/message.ts';
import { serverMeta } from '../protocol/methods/method.ts';
import { json, jsonText, rpcFailure } from './answer.ts';

/** `message` is there where the refusal comes after reading it; results differ a little between the eras. */
export function denialResponse(
  denial: Denial,
  { config, metadata }: Deployment,
  message?: RequestMessage,
  isLegacy = false,
): Response {
  const resourceMetadata = metadata.url;
  switch (denial.reason) {
    case 'host_forbidden':
    case 'origin_forbidden':
      return json(403, { error: 'forbidden', error_description: 'This host or origin is not allowed here' });

    case 'insecure_transport':
      return json(403, {
        error: 'insecure_transport',
        error_description: 'RESOURCE is an https URL, and this request came over http',
      });

    case 'token_missing':
      return json(
        401,
        { error: 'unauthorized', error_description: 'An access token is required' },
        // Without an error code: nothing was wrong, there was just no token (RFC 6750 section 3.1).
        {
          'www-authenticate': challenge({
            scopes: scopesToAskFor(config.scopesSupported, config),
            resourceMetadata,
          }),
        },
      );

    case 'token_malformed':
    case 'token_in_query':
      return oauthError(400, {
        error: 'invalid_request',
        description: 'Send one access token, in the Authorization header: Bearer and the token',
        resourceMetadata,
      });

    case 'issuer_not_trusted':
    case 'token_invalid':
    case 'token_expired':
    case 'token_revoked':
      return oauthError(401, {
        error: 'invalid_token',
        description: 'The access token is expired, revoked or not valid for this resource',
        scopes: scopesToAskFor(config.scopesSupported, config),
        resourceMetadata,
      });

    case 'keys_unavailable':
    case 'introspection_unavailable':
    case 'policy_unavailable':
      return json(
        503,
        {
          error: 'temporarily_unavailable',
          error_description: 'Whether this is allowed cannot be checked right now',
        },
        { 'retry-after': String(denial.retryAfterSeconds) },
      );

    case 'rate_limited':
      return json(
        429,
        { error: 'rate_limited', error_description: 'Too much at once: wait and send it again' },
        { 'retry-after': String(denial.retryAfterSeconds) },
      );

    // Whoever gets these may be an operator otherwise, so what is wrong is said.
    case 'client_not_allowed':
      return json(403, {
        error: denial.reason,
        error_description: 'Operators sign in with another client (ADMIN_CLIENTS)',
      });

    case 'token_too_long_lived':
      return json(403, {
        error: denial.reason,
        error_description: `Have the authorization server issue tokens with iat that live for at most ${config.adminTokenSeconds} s (ADMIN_TOKEN_SECONDS)`,
      });

    case 'authentication_too_old':
      // No acr_values: how somebody signed in is nothing that was looked at (RFC 9470 section 3).
      return oauthError(401, {
        error: 'insufficient_user_authentication',
        description: 'Operators must have signed in lately, by auth_time of the access token',
        maxAge: config.adminMaxAuthAgeSeconds,
        scopes: scopesToAskFor([config.adminScope], config),
        resourceMetadata,
      });

    case 'permission_missing':
      return refusal(
        `Your account lacks the permission ${denial.missingPermissions.join(', ')}. Consenting to more scopes cannot give it: ask an administrator for a role that has it.`,
      );

    case 'scope_missing': {
      const parameters = {
        error: 'insufficient_scope',
        description: 'This operation needs more scopes than the access token has',
        scopes: scopesToAskFor(denial.requiredScopes, config),
        resourceMetadata,
      } as const;
      return config.stepUp === 'http' || !message
        ? oauthError(403, parameters)
        : refusal(
            `The access token lacks the scope ${denial.missingScopes.join(', ')}. Sign in again and agree to it.`,
            {
              'mcp/www_authenticate': [challenge(parameters)],
            },
          );
    }
  }

  /** A result that the model reads; what is not a tool has no such result. */
  function refusal(text: string, meta: Readonly<Record<string, unknown>> = {}): Response {
    if (!message) return json(403, { error: 'forbidden', error_description: text });
    if (message.method !== 'tools/call') return rpcFailure(failure(200, INVALID_REQUEST, text, message.id));
    const { id } = message;
    const content = [{ type: 'text', text }];
    const result = isLegacy
      ? { content, isError: true, _meta: meta }
      : { resultType: 'complete', content, isError: true, _meta: { ...serverMeta(config), ...meta } };
    return jsonText(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }
}

function oauthError(status: number, parameters: Parameters<typeof challenge>[0]): Response {
  const { error, description, scopes } = parameters;
  return json(
    status,
    { error, error_description: description, ...(scopes ? { scope: scopes.join(' ') } : {}) },
    { 'www-authenticate': challenge(parameters) },
  );
}
