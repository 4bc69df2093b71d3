// The same token at the deployed server, and whether it judges as the verification here does.
//
// Sends server/discover, which needs a valid token and does nothing.

import { type Answer, type Ask, isAnswer } from './ask.ts';
import { error, type Finding, ok, warning } from './finding.ts';
import { blocked, isBlocked } from './server-front.ts';
import type { TokenResult } from './token.ts';

const VERSION = '2026-07-28';

export async function checkTokenAtServer(
  url: string,
  token: string,
  local: TokenResult | undefined,
  ask: Ask,
): Promise<Finding[]> {
  const answer = await ask(url, discoverRequest(token));
  if (!isAnswer(answer))
    return [
      error(
        'token.server',
        `${url} ${answer.problem}, asked with the token`,
        'It cannot be compared.',
        answer.remedy,
      ),
    ];
  if (isBlocked(answer)) return [blocked(url, 'this program, when it sends a token')];
  const isAccepted = answer.status < 300;
  if (!isAccepted && answer.status !== 401) return [neither(url, answer)];
  if (!local?.isJudged) return [isAccepted ? ok('token.server', `${url} accepts the token`) : refused(url)];
  const isAcceptedHere = local.principal !== undefined;
  if (isAccepted === isAcceptedHere)
    return [ok('token.server', `${url} ${isAccepted ? 'accepts the token' : 'refuses the token'} as well`)];
  return [isAccepted ? onlyThere(url) : onlyHere(url)];
}

function discoverRequest(token: string): RequestInit {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientInfo': { name: 'doctor', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'user-agent': 'mcp-edge-doctor/1',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'server/discover',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta } }),
  };
}

const refused = (url: string): Finding =>
  error(
    'token.server',
    `${url} refuses the token`,
    'The answer does not say why, so that a forger learns nothing; the log does.',
    'Look into the log: `npx wrangler tail`, and repeat this. The line "decision" has reason and detail.',
  );

const onlyThere = (url: string): Finding =>
  error(
    'token.server-accepts',
    `${url} accepts the token that is refused here`,
    'Another configuration is deployed than the one here, and it trusts more.',
    'Give this program the configuration that is deployed (--env, --resource, --authorization-servers), or deploy the one here.',
  );

const onlyHere = (url: string): Finding =>
  error(
    'token.server-refuses',
    `${url} refuses the token that is accepted here`,
    'The token, its subject or its client is revoked there, another configuration is deployed, or the Worker cannot reach the issuer as this machine can.',
    'Look into the log: `npx wrangler tail`, and repeat this. token_revoked is for `npm run admin -- explain`; anything else for a new deployment.',
  );

function neither(url: string, { status, json }: Answer): Finding {
  if (status === 503)
    return error(
      'token.unavailable',
      `${url} answers the token with 503: it cannot check it`,
      "KV or the PolicyRegistry cannot be reached, or the issuer's keys cannot be had from there.",
      'Look into the log (`npx wrangler tail`) for policy_failed, kv_failed or issuer_keys_failed. If the issuer is on the same zone as the Worker, its fetch may be blocked: give jwksUri on another host.',
    );
  if (status === 500)
    return error(
      'token.failing',
      `${url} answers the token with 500`,
      'The Worker fails when it has let the caller in.',
      'Look into the log: `npx wrangler tail`, and repeat this; request_failed has the exception.',
    );
  const isOurs = json?.jsonrpc === '2.0';
  return warning(
    'token.server',
    `${url} answers the token with ${status}${isOurs ? ', after letting it in' : ''}`,
    isOurs
      ? 'The token is good there; the server does not know server/discover.'
      : 'It is neither let in nor refused.',
    'Try with a client, and look into the log: `npx wrangler tail`.',
  );
}
