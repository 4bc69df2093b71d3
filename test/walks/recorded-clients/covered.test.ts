// What clients do and what their users complain about, and which test holds it: those that are not in this folder.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const TEST = join(import.meta.dirname, '../..');

/** The title as it is written in the file, with %s where a table fills it in, or the name of the row in the table. */
type Row = readonly [quirk: string, file: string, title: string];

const COVERED: readonly Row[] = [
  // Discovery and what is in the metadata.
  [
    'python-sdk #1264, #1400, gemini-cli #20017, #25508, exa #387: the resource is compared exactly, with its path',
    'walks/discovery.test.ts',
    'both metadata paths answer the same document, to any page, for a while',
  ],
  [
    'vscode #259588: a slash at the end of the resource is not made up for',
    'config.test.ts',
    'https://mcp.example.com/mcp/',
  ],
  [
    'kubernetes-mcp-server #258, vscode #316235: VS Code asks for all scopes that are listed, so few are',
    'walks/discovery.test.ts',
    'both metadata paths answer the same document, to any page, for a while',
  ],
  [
    'claude-ai-mcp #716: metadata at the path of the resource that is a 404',
    'auth/resource-metadata.test.ts',
    'the document of %s has its well-known places',
  ],
  [
    'lion-reader #736, altimate-code #1120: a GET before any session is a 401, then a 405, never a bare one',
    'walks/discovery.test.ts',
    'with a token only POST is served, and GET and DELETE of a session',
  ],
  [
    'gemini-cli: resource_metadata is found only in quotes; typescript-sdk: descriptions end at a quote',
    'auth/challenge.test.ts',
    '%s cannot break out of any parameter',
  ],
  [
    'typescript-sdk: scope= in a description is taken for the scope',
    'http/denial-response.test.ts',
    'a description has no quotes and no text that looks like a parameter',
  ],
  [
    'mcp-handler #110: another host name in the metadata',
    'walks/discovery.test.ts',
    'the document is the same under any host name',
  ],
  [
    'codex #33354, #31573, mcp-server-cloudflare #449: iss (RFC 9207) that is advertised and not sent',
    'walks/mirror.test.ts',
    'metadata that %s is not copied: 503, and the log says why',
  ],
  [
    'clients of the first revisions: metadata of the authorization server at the origin of the resource',
    'walks/mirror.test.ts',
    'a client of the first revisions finds the authorization server at the origin of the resource',
  ],
  // Tokens.
  [
    'workers-oauth-provider #133, claude-ai-mcp #299: audiences that are only similar',
    'attacks/wrong-audience.test.ts',
    'another, a similar, an empty or no audience is refused',
  ],
  [
    'context7 #2987, python-sdk #3447: "Bearer anything"',
    'attacks/malformed-token.test.ts',
    'what is not a JWT is refused',
  ],
  [
    'csharp-sdk #1801: tokens of Entra have the id of the client as aud',
    'auth/providers/entra.ts',
    "a user's",
  ],
  [
    'claude-ai-mcp #912: a caller without expiresAt is refused by the SDK',
    'walks/protect.test.ts',
    'the caller is handed on, the token is not',
  ],
  [
    'claude-ai-mcp #912: a token without an end',
    'attacks/wrong-time.test.ts',
    'a token without an end is refused',
  ],
  [
    'Claude: no token in the URL',
    'attacks/misplaced-credential.test.ts',
    'a token in the query is refused, even beside a good header, and never echoed',
  ],
  [
    'claude-code #48670: a 401 is remembered for 15 minutes, so trouble of the issuer must not be one',
    'attacks/unreachable-issuer.test.ts',
    'an issuer whose keys were never seen is a 503 with Retry-After and without a challenge',
  ],
  [
    'executor #1665, #448, #1479: each isolate asks the issuer anew',
    'walks/two-isolates.test.ts',
    'the second isolate takes the keys from KV and asks nobody, not even when the issuer is gone',
  ],
  [
    'zmartzone #468, fastapi-zitadel-auth #156: made-up kids hammer the issuer',
    'attacks/key-flood.test.ts',
    'a flood of unknown kids costs the issuer at most one request, and nobody else notices',
  ],
  [
    'archestra #4708: a refusal that is remembered',
    'auth/access-token.test.ts',
    'a refusal is not remembered',
  ],
  [
    'NyxID #293, claude-ai-mcp #213: keys for what has no browser',
    'admin/service-keys.test.ts',
    'a key calls as its service, with its scopes and roles and nothing else',
  ],
  // Scopes, permissions, audit.
  [
    'typescript-sdk #1151: all scopes of the operation in one challenge',
    'walks/protocol.test.ts',
    'a missing scope is one 403 that names all scopes of the operation',
  ],
  [
    'typescript-sdk #1582: stepping up in a loop',
    'walks/real-clients/sdk-1-client.test.ts',
    'with a refresh token it cannot step up: it says so, does not loop and goes on',
  ],
  [
    'java-sdk #740, python-sdk #1223: lists by what the caller can reach',
    'walks/protocol.test.ts',
    'tools/list shows what the roles can reach, page by page, in order, whatever the scopes',
  ],
  [
    'modelcontextprotocol #3207: lists of one caller in a cache for all (cacheScope)',
    'walks/protocol.test.ts',
    'tools/list shows what the roles can reach, page by page, in order, whatever the scopes',
  ],
  [
    'SonarQube #502, obot #4080, feast #6452: no audit of calls and of refusals',
    'walks/protocol.test.ts',
    'every refusal and every success is one decision in the log',
  ],
  [
    'activepieces #15181, better-auth-cloudflare #61, elizaOS #17093: revoked, and still in',
    'walks/revocation.test.ts',
    'a grant that is revoked loses strict tools at once, streams in seconds, everything within the bound; nobody else does',
  ],
  [
    'mcp-gateway-registry #1699: everything off at once',
    'admin/revocations.test.ts',
    'refuses every token there is, also of who did it; later ones are good',
  ],
  // Sessions.
  [
    'mcp-server (GHSA): a session id that is enough to get in',
    'sessions/legacy-session.test.ts',
    'a stolen session id is unknown to everyone but its owner: another user, another client of the same user',
  ],
  [
    'executor #1684, agents #1083: clients that never say DELETE',
    'sessions/expiry.test.ts',
    'an idle session is unknown after its time, and an alarm leaves nothing of what it stored, not even a table',
  ],
  [
    'agents #1083, tldraw #10123: a Durable Object for every anonymous request',
    'walks/hot-path.test.ts',
    'a request without a token, or with one of a stranger, costs nothing',
  ],
  [
    'agents #609, #463: what a session knew is gone between two requests',
    'sessions/legacy-session.test.ts',
    'a session survives that its object is evicted',
  ],
  [
    'python-sdk #1676: a client that gives up at a 404',
    'sessions/unreachable.test.ts',
    'a legacy request is a 503 with Retry-After; a 404 would make the client give its session up',
  ],
];

test.each(COVERED)('%s: is held by %s', (_, file, title) => {
  const source = readFileSync(join(TEST, file), 'utf8');
  const quoted = ["'", '"', '`'].filter((quote) => source.includes(quote + title + quote));
  expect(quoted, `nothing in ${file} is called: ${title}`).not.toEqual([]);
});
