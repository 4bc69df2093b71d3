// The protected resource metadata of a deployed server, as clients read it, and against what is configured here.
//
// Clients compare `resource` with the URL they were given, most of them byte for byte; so does this.

import { MIRROR_PATH, metadataPaths, resourceMetadata } from '../../src/auth/resource-metadata.ts';
import { type Answer, type Ask, isAnswer, type NoAnswer } from './ask.ts';
import { allowsOrigin, SOME_ORIGIN } from './browser-clients.ts';
import { difference, error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Target } from './server.ts';
import { blocked, isBlocked } from './server-front.ts';

export async function checkServerMetadata(target: Target, ask: Ask): Promise<Finding[]> {
  const { url, config } = target;
  const paths = metadataPaths(config?.resource ?? url);
  const answers = await Promise.all(
    paths.map((path) => ask(new URL(path, url).href, { headers: { origin: SOME_ORIGIN } })),
  );
  const [first, root] = answers;
  if (!first) return [];
  const document = isAnswer(first) && first.status === 200 ? first.json : undefined;
  if (!document) return [missing(first)];
  const faults = [
    ...(await mirror(target, ask)),
    ...resource(target, document),
    ...servers(target, document),
    ...ours(target, document),
    ...(root ? atRoot(root, document) : []),
    ...(isAnswer(first) && allowsOrigin(first) ? [] : [closed(first.url)]),
  ];
  return faults.length > 0
    ? faults
    : [ok('server.metadata', `${url}: its metadata names exactly this URL, at ${listed(paths)}`)];
}

function missing(answer: Answer | NoAnswer): Finding {
  if (isAnswer(answer) && isBlocked(answer)) return blocked(answer.url, 'this program');
  return error(
    'server.metadata',
    isAnswer(answer)
      ? `${answer.url} answers ${answer.status}${answer.status === 200 ? ', but with no JSON object' : ' instead of the metadata'}`
      : `${answer.url} ${answer.problem}`,
    'Clients find out there whom to ask for a token; without it they guess, and mostly wrong.',
    'See that a route leads to the Worker for the whole host: with a route for the path of RESOURCE only, the well-known path goes elsewhere.',
  );
}

function resource({ url }: Target, document: Readonly<Record<string, unknown>>): Finding[] {
  const named = shown(document.resource);
  if (document.resource === url) return [];
  return [
    error(
      'server.resource',
      `${url}: its metadata says resource ${named}${difference(named, url)}`,
      'Clients that were given this URL refuse the metadata (VS Code, Gemini and others compare byte for byte), or get a token for something else.',
      url.endsWith('/')
        ? `Give clients ${named}: RESOURCE never ends with a slash.`
        : `Give clients ${named}, or set RESOURCE to the URL they use and deploy.`,
    ),
  ];
}

function servers({ url, isGuessed, config }: Target, document: Readonly<Record<string, unknown>>): Finding[] {
  const named = Array.isArray(document.authorization_servers) ? document.authorization_servers : [];
  if (named.length === 0 && config?.authorizationServers.every(({ advertised }) => advertised.length === 0))
    return [];
  if (named.length === 0)
    return [
      error(
        'server.authorization-servers',
        `${url}: its metadata names no authorization server`,
        'Clients have nowhere to sign in.',
        'Have at least one entry of AUTHORIZATION_SERVERS without advertise = false, and deploy.',
      ),
    ];
  const wanted =
    config && !isGuessed ? config.authorizationServers.flatMap(({ advertised }) => advertised) : named;
  const [extra, lacking] = [
    named.filter((issuer) => !wanted.includes(issuer)),
    wanted.filter((issuer) => !named.includes(issuer)),
  ];
  if (extra.length + lacking.length === 0) return [];
  return [
    error(
      'server.authorization-servers',
      `${url}: its metadata names ${listed(named.map(shown))}; configured here is ${listed(wanted.map(shown))}`,
      'Another configuration is deployed than the one here: clients are sent to sign in where this configuration does not trust, or the other way round.',
      'Deploy again, and mind --env; or give this program the configuration that is deployed.',
    ),
  ];
}

/** The rest of the document is only as current as the deployment. */
function ours({ url, config }: Target, document: Readonly<Record<string, unknown>>): Finding[] {
  if (!config) return [];
  const wanted = JSON.parse(resourceMetadata(config)) as Record<string, unknown>;
  // A resource that is not --url has been told already.
  const members = document.resource === url ? ['resource', 'scopes_supported'] : ['scopes_supported'];
  const different = members.filter((name) => JSON.stringify(document[name]) !== JSON.stringify(wanted[name]));
  return different.map((name) =>
    (name === 'resource' ? error : warning)(
      'server.configuration',
      `${url}: its metadata says ${name} ${shown(document[name])}; here it is ${shown(wanted[name] ?? 'none')}`,
      'Another configuration is deployed than the one here.',
      'Deploy again, and mind --env; or give this program the configuration that is deployed.',
    ),
  );
}

function atRoot(root: Answer | NoAnswer, document: Readonly<Record<string, unknown>>): Finding[] {
  const isSame = isAnswer(root) && root.json?.resource === document.resource;
  if (isSame) return [];
  return [
    warning(
      'server.metadata-root',
      `${root.url} does not have the same document`,
      'Older clients look there only. One that finds another document there is sent elsewhere.',
      'Route the whole host to the Worker. If the host is shared with another resource, this cannot be helped.',
    ),
  ];
}

/** The copy of an authorization server's metadata, where one is configured. */
async function mirror({ url, config }: Target, ask: Ask): Promise<Finding[]> {
  if (!config?.authorizationServers.some((server) => server.mirror)) return [];
  const answer = await ask(new URL(MIRROR_PATH, url).href);
  if (isAnswer(answer) && answer.status === 200 && answer.json) return [];
  return [
    error(
      'server.mirror',
      `${answer.url} ${isAnswer(answer) ? `answers ${answer.status} instead of a copy of the metadata` : answer.problem}`,
      'Clients that are sent there (mirror) do not find out where to sign in.',
      'Deploy again, if mirror is new. A 503 is explained in the log: `npx wrangler tail`, mirror_failed.',
    ),
  ];
}

const closed = (url: string): Finding =>
  warning(
    'server.metadata-cors',
    `${url}: pages of other origins cannot read it (no Access-Control-Allow-Origin)`,
    'Clients in a browser do not find out where to sign in.',
    'This server allows every origin there: see what takes the header away.',
  );
