// Where the settings of this run come from, so that everything after it works on one Config.
//
// Flags win; then .dev.vars, for a server on this machine; then wrangler.toml, then src/app/config.ts. When none of them
// says whom to trust, a running server is asked what it tells clients: then the configuration is guessed, and what was
// not told (an audience of its own, a preset) is not known.

import { metadataPaths } from '../../src/auth/resource-metadata.ts';
import { isLoopback } from '../../src/config.ts';
import { type Ask, isAnswer } from './ask.ts';
import { error, type Finding, ok, warning } from './finding.ts';
import { type AppCode, loadApp } from './worker-code.ts';
import { readWranglerFile, type Vars, type WranglerFile } from './wrangler-file.ts';

export interface Flags {
  readonly config: string;
  readonly env: string | undefined;
  readonly url: string | undefined;
  readonly resource: string | undefined;
  /** Parsed. */
  readonly authorizationServers: unknown;
}

export interface Setup {
  readonly app: AppCode | undefined;
  readonly file: WranglerFile | undefined;
  /** What checkConfig gets; `undefined` when nobody has said whom to trust. */
  readonly vars: Vars | undefined;
  /** Whether the two settings that decide trust are what the running server says, not what was configured. */
  readonly isGuessed: boolean;
  readonly findings: readonly Finding[];
}

const TRUST = ['RESOURCE', 'AUTHORIZATION_SERVERS'];

export async function setUp(flags: Flags, ask: Ask): Promise<Setup> {
  const app = await loadApp();
  const file = readWranglerFile(flags.config, flags.env);
  const findings = [app, file].filter((part): part is Finding => 'level' in part);
  const known = {
    app: 'level' in app ? undefined : app,
    file: 'level' in file ? undefined : file,
    isGuessed: false,
  };
  const given = withoutNothing({
    RESOURCE: flags.resource,
    AUTHORIZATION_SERVERS: flags.authorizationServers,
  });
  if (!known.file && TRUST.some((name) => given[name] === undefined))
    return { ...known, vars: undefined, findings };

  const { vars = {}, devVars = {} } = known.file ?? {};
  const deployed = { ...declared(known.app), ...withoutNothing(vars) };
  const local = { ...deployed, ...withoutNothing(devVars) };
  const use = (values: Vars, ...more: Finding[]): Setup => ({
    ...known,
    vars: { ...values, ...given },
    findings: [...findings, ...more],
  });

  const { url } = flags;
  const isLocal = url !== undefined && isLoopback(new URL(url).hostname);
  // A RESOURCE elsewhere is not what runs on this machine: `npm start`, for one, sets its own.
  const fits = isLocal ? decides(local) && !isElsewhere(local.RESOURCE) : decides(deployed);
  if (fits) return use(isLocal ? local : deployed);
  if (TRUST.every((name) => given[name] !== undefined)) return use(deployed);
  const unset = known.file && notInherited(known.file);
  if (unset) return { ...known, vars: undefined, findings: [...findings, unset] };
  const told = url === undefined ? undefined : await toldBy(url, ask);
  if (told)
    return {
      ...use({ ...deployed, ...told }, (isLocal ? guessedLocally : guessed)(url ?? '')),
      isGuessed: true,
    };
  if (decides(given) || decides(deployed)) return use(deployed);
  if (url !== undefined) return { ...known, vars: undefined, findings };
  if (decides(local)) return use(local, onlyInDevVars());
  return { ...known, vars: undefined, findings: [...findings, howToBegin()] };
}

const decides = (values: Vars): boolean => TRUST.some((name) => values[name] !== undefined);

function isElsewhere(url: unknown): boolean {
  const { protocol = '', hostname = '' } = (typeof url === 'string' && URL.parse(url)) || {};
  return /^https?:$/.test(protocol) && !isLoopback(hostname);
}

/** Unset is the same as empty (config.ts). */
const withoutNothing = (vars: Vars): Vars =>
  Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== undefined && value !== ''));

/** Only to know whether it decides; checkConfig reads it for itself. */
const declared = (app: AppCode | undefined): Vars =>
  withoutNothing({
    RESOURCE: app?.config.resource,
    AUTHORIZATION_SERVERS: app?.config.authorizationServers,
  });

/** RESOURCE and AUTHORIZATION_SERVERS as the server's metadata has them. */
async function toldBy(url: string, ask: Ask): Promise<Vars | undefined> {
  for (const path of metadataPaths(url)) {
    const answer = await ask(new URL(path, url).href);
    const { resource, authorization_servers: issuers } = (isAnswer(answer) && answer.json) || {};
    if (typeof resource === 'string' && Array.isArray(issuers) && issuers.length > 0)
      return { RESOURCE: resource, AUTHORIZATION_SERVERS: issuers.map((issuer) => ({ issuer })) };
  }
  return undefined;
}

/** An environment that was meant to have the variables of the file. */
function notInherited({ path, env, topVars }: WranglerFile): Finding | undefined {
  if (env === undefined || !TRUST.some((name) => topVars[name] !== undefined)) return undefined;
  return error(
    'config.env-vars',
    `${path}: [env.${env}] has no [env.${env}.vars], so RESOURCE and AUTHORIZATION_SERVERS are not set there`,
    'Environments do not inherit variables, KV namespaces and Durable Objects from the top of the file: the Worker would answer every request with 500.',
    `Repeat them below [env.${env}.vars], and [[env.${env}.kv_namespaces]] and [[env.${env}.durable_objects.bindings]] as well.`,
  );
}

const howToBegin = (): Finding =>
  error(
    'config.begin',
    'nothing is configured yet: RESOURCE and AUTHORIZATION_SERVERS are not set',
    'They decide whom this server trusts and have no default. Until they are right, it answers every request with 500.',
    'To look at the local stack: `npm start`, then `npm run doctor -- --url http://localhost:8787/mcp`. For your own authorization server: uncomment [vars] in wrangler.toml, write the URL that clients will use into RESOURCE and your issuer into AUTHORIZATION_SERVERS, and run this again. To try values out first: --resource URL --authorization-servers \'[{"issuer":"https://..."}]\'.',
  );

const onlyInDevVars = (): Finding =>
  warning(
    'config.dev-vars',
    'RESOURCE and AUTHORIZATION_SERVERS are set in .dev.vars only',
    'That file is for `wrangler dev` on this machine and is not deployed: a deployed Worker would answer 500.',
    'Set both in wrangler.toml [vars] before you deploy.',
  );

const guessedLocally = (url: string): Finding =>
  ok(
    'config.source',
    `RESOURCE and AUTHORIZATION_SERVERS are not set for this machine; taken from what ${url} tells clients`,
  );

const guessed = (url: string): Finding =>
  warning(
    'config.source',
    `wrangler.toml sets neither RESOURCE nor AUTHORIZATION_SERVERS; taken from what ${url} tells clients`,
    'Variables that are set in the dashboard only are removed by the next `wrangler deploy`. And what clients are not told (audience, preset, require) is not known here, so a token may be judged otherwise than there.',
    'Write both into wrangler.toml [vars], or give them with --resource and --authorization-servers; name an environment with --env.',
  );
