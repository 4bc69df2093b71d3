// The settings themselves: what the Worker would say when it starts, and what it cannot know to be a mistake.
//
// The first is checkConfig, the Worker's own. The rest is a matter of judgement: an example that was left in, a secret in
// a file that goes into git, an audience so wide that other tokens than access tokens pass.

import { type AuthorizationServer, type Config, ConfigError, checkConfig } from '../../src/config.ts';
import { error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Setup } from './setup.ts';
import { standIns } from './unseen.ts';
import type { Vars } from './wrangler-file.ts';

export interface Checked {
  /** `undefined` when the Worker would not start with it, or nothing is known. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

export function checkSettings({ vars, app, file }: Setup): Checked {
  const secrets = secretsIn(file?.vars ?? {});
  if (!vars) return { config: undefined, findings: secrets };
  const left = placeholders(vars);
  const { auditSubjects } = app?.config ?? {};
  const unseen = standIns({ AUDIT_SUBJECTS: auditSubjects, ...vars }, file?.bindings.services ?? []);
  try {
    const config = checkConfig(app?.config ?? { serverInfo: { name: 'unknown', version: '0' } }, {
      ...unseen,
      ...vars,
    });
    const opinions = [
      ...left,
      ...secrets,
      ...unknownRoles(config, app?.roles.permissions),
      ...audiences(config),
      ...openTenants(config),
      ...missingFeature(config, file?.entry),
    ];
    const count = config.authorizationServers.length;
    const fine = `the settings are complete: RESOURCE ${config.resource}, ${count} authorization server${count === 1 ? '' : 's'}`;
    const names = Object.keys(unseen);
    if (names.length > 0)
      opinions.push(
        ok('config.unseen', `taken to be there, for it cannot be seen from here: ${listed(names)}`),
      );
    return { config, findings: [...opinions, ok('config.settings', fine)] };
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    return { config: undefined, findings: [...problem.problems.map(asFinding), ...left, ...secrets] };
  }
}

/** `RESOURCE (where it is set): what is wrong.` */
function asFinding(sentence: string): Finding {
  const [, name = 'settings', where = 'wrangler.toml', problem = sentence] =
    /^([A-Z_]+) \((.*?)\): (.*)$/s.exec(sentence) ?? [];
  const id = `config.${name.toLowerCase().replaceAll('_', '-')}`;
  return error(
    id,
    `${name}: ${shown(problem)}`,
    'With this the Worker answers every request with 500, and says the same in its log.',
    `Set ${name} ${where.startsWith('wrangler') ? `with ${where}` : where}; README.md has every setting.`,
  );
}

/** Names that the documentation uses, and that cannot be anybody's. */
const PLACEHOLDER =
  /\bexample\.(com|org|net)\b|\byour-|<[\w -]+>|\bchange-?me\b|\bTODO\b|11111111-2222-3333-4444-555555555555|…/i;

function placeholders(vars: Vars): Finding[] {
  return ['RESOURCE', 'AUTHORIZATION_SERVERS'].flatMap((name) => {
    const text = typeof vars[name] === 'string' ? vars[name] : JSON.stringify(vars[name] ?? '');
    const found = PLACEHOLDER.exec(text)?.[0];
    if (found === undefined) return [];
    return error(
      'config.placeholder',
      `${name} still has a value of the examples: ${shown(found)}`,
      "It is nobody's name, so no client and no token will fit it.",
      `Write your own into ${name}, in wrangler.toml [vars].`,
    );
  });
}

const OUR_SECRETS = [
  'REQUEST_STATE_SECRET',
  'REQUEST_STATE_SECRET_PREVIOUS',
  'AUDIT_SECRET',
  'AUDIT_SECRET_PREVIOUS',
];
const LIKE_A_SECRET = /(SECRET|PASSWORD|PRIVATE_KEY|API_KEY|CREDENTIALS?)(_PREVIOUS)?$/;

function secretsIn(vars: Vars): Finding[] {
  return Object.keys(vars)
    .filter((name) => LIKE_A_SECRET.test(name) && typeof vars[name] === 'string' && vars[name] !== '')
    .map((name) => {
      const say = OUR_SECRETS.includes(name) ? error : warning;
      return say(
        'config.secret',
        `${name} stands in [vars] of wrangler.toml`,
        'Whoever can read the repository or the dashboard has it. Those who know REQUEST_STATE_SECRET can make up answers to the questions tools ask.',
        `Remove it there, then: wrangler secret put ${name}, with a new value, for this one is known. For \`wrangler dev\` it belongs into .dev.vars.`,
      );
    });
}

function unknownRoles({ defaultRoles }: Config, roles: ReadonlyMap<string, unknown> | undefined): Finding[] {
  return defaultRoles
    .filter((role) => roles && !roles.has(role))
    .map((role) =>
      error(
        'config.default-roles',
        `DEFAULT_ROLES names the role ${shown(role)}, which src/app/roles.ts does not have`,
        'With this the Worker answers every request with 500, and says the same in its log.',
        `Use one of ${listed([...(roles?.keys() ?? [])])}, or define it.`,
      ),
    );
}

/** An entry that needs a feature which the Worker's entry file does not name. */
function missingFeature({ authorizationServers }: Config, entry: string | undefined): Finding[] {
  const server = authorizationServers.find(({ introspection }) => introspection !== undefined);
  if (!server || entry === undefined || entry.includes('opaqueTokens(')) return [];
  return [
    error(
      'config.opaque-tokens',
      `${server.issuers[0]} has introspection, and the Worker lacks the feature for it`,
      'Tokens that are no JWTs are a feature of their own: without it the Worker answers every request with 500, and says the same in its log.',
      "In src/worker.ts: import { opaqueTokens } from './kit.ts', and give createServer features: [opaqueTokens()].",
    ),
  ];
}

/** Audiences that more than access tokens for this resource can have, with nothing that tells them apart. */
function audiences({ authorizationServers, resource }: Config): Finding[] {
  return authorizationServers.flatMap((server) => {
    const others = server.audience.values.filter((value) => value !== resource);
    if (others.length === 0 || isToldApart(server)) return [];
    const say = others.every((value) => URL.canParse(value)) ? warning : error;
    return say(
      'config.audience',
      `${server.issuers[0]}: the audience ${listed(others.map(shown))} is not RESOURCE, and nothing tells access tokens from other tokens`,
      'ID tokens of a client with that id, or tokens for another API with that audience, would be accepted as access tokens.',
      'Best have tokens issued for RESOURCE. Else say what only access tokens have: require = [{ claim = ["token_use"], equals = "access" }], typ = ["at+jwt"], or the preset of your product, which knows.',
    );
  });
}

/** Every organization that the authorization server has, those of strangers included. */
function openTenants({ authorizationServers }: Config): Finding[] {
  return authorizationServers
    .filter(({ claims, tenants }) => claims.tenant !== undefined && tenants === undefined)
    .map(({ issuers }) =>
      warning(
        'config.tenant',
        `${issuers[0]}: tokens of every organization are taken, and of users without one`,
        'State, sessions and roles given here are kept apart; roles that tokens name are not: a role means the same whichever organization gives it. Where anybody can sign up, anybody gets in. Operators by role come only from those in OPERATOR_TENANTS.',
        'List those you serve: tenant = { values = ["org_1"] } in its entry. If it is meant for all of them, leave it.',
      ),
    );
}

const isToldApart = ({ require, typ }: AuthorizationServer): boolean =>
  require.length > 0 || typ.every((value) => value === 'at+jwt');
