// What becomes of an entry that names a preset: what the preset says, what the deployment must say, and who wins.
// Which tokens a preset lets in is in providers.test.ts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PRESETS } from '../../src/auth/providers/index.ts';
import { type AuthorizationServer, ConfigError, checkConfig } from '../../src/config.ts';

const RESOURCE = 'https://mcp.example.com/mcp';
const vars = (entries: unknown) => ({ RESOURCE, AUTHORIZATION_SERVERS: entries });
const serverInfo = { name: 'test', version: '1' };

function entry(settings: object): AuthorizationServer {
  const [server] = checkConfig({ serverInfo }, vars([settings])).authorizationServers;
  if (!server) throw new Error('no entry');
  return server;
}

/** Without the name of the setting, and of the entry. */
function problems(settings: object): string[] {
  try {
    entry(settings);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replace(/^AUTHORIZATION_SERVERS .*?: entry 0: /, ''));
  }
}

const GUID = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/** The least a deployment has to write, and where the keys are then; `undefined` for where the metadata says. */
const LEAST: Readonly<Record<string, [entry: { issuer: string; [key: string]: unknown }, keys?: string]>> = {
  workos: [{ issuer: 'https://acme.authkit.app' }, 'https://acme.authkit.app/oauth2/jwks'],
  auth0: [{ issuer: 'https://acme.eu.auth0.com/' }, 'https://acme.eu.auth0.com/.well-known/jwks.json'],
  okta: [{ issuer: 'https://acme.okta.com/oauth2/default' }, 'https://acme.okta.com/oauth2/default/v1/keys'],
  entra: [{ issuer: `https://login.microsoftonline.com/${GUID}/v2.0`, audience: GUID }],
  keycloak: [
    { issuer: 'https://keycloak.example.com/realms/acme' },
    'https://keycloak.example.com/realms/acme/protocol/openid-connect/certs',
  ],
  cognito: [
    { issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1', audience: 'client' },
    'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1/.well-known/jwks.json',
  ],
  stytch: [{ issuer: 'https://login.example.com', audience: 'project-live-1' }],
  descope: [{ issuer: 'https://api.descope.com/v1/apps/agentic/P2/MS3' }],
  clerk: [{ issuer: 'https://clerk.example.com' }, 'https://clerk.example.com/.well-known/jwks.json'],
  scalekit: [
    {
      issuer: 'https://acme.scalekit.com',
      jwksUri: 'https://acme.scalekit.com/keys',
      advertise: 'https://acme.scalekit.com/resources/res_1',
    },
    'https://acme.scalekit.com/keys',
  ],
  logto: [{ issuer: 'https://acme.logto.app/oidc' }, 'https://acme.logto.app/oidc/jwks'],
  ory: [
    { issuer: 'https://acme.projects.oryapis.com' },
    'https://acme.projects.oryapis.com/.well-known/jwks.json',
  ],
  zitadel: [
    { issuer: 'https://acme.zitadel.cloud', audience: '69234237810729019' },
    'https://acme.zitadel.cloud/oauth/v2/keys',
  ],
  ping: [{ issuer: `https://auth.pingone.eu/${GUID}/as` }, `https://auth.pingone.eu/${GUID}/as/jwks`],
  fusionauth: [
    {
      issuer: 'acme.com',
      jwksUri: 'https://auth.example.com/.well-known/jwks.json',
      tenant: { values: [GUID] },
    },
    'https://auth.example.com/.well-known/jwks.json',
  ],
  supabase: [
    { issuer: 'https://abcdefgh.supabase.co/auth/v1' },
    'https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json',
  ],
  'cloudflare-access': [
    { issuer: 'https://acme.cloudflareaccess.com', audience: 'tag' },
    'https://acme.cloudflareaccess.com/cdn-cgi/access/certs',
  ],
  'better-auth': [{ issuer: 'https://app.example.com/api/auth' }, 'https://app.example.com/api/auth/jwks'],
  'oidc-provider': [{ issuer: 'https://login.example.com' }],
  google: [{ issuer: 'https://accounts.google.com', audience: ['1-a.apps.googleusercontent.com'] }],
};

test('there is an example for every preset', () => {
  expect(Object.keys(LEAST)).toEqual(Object.keys(PRESETS));
});

test('the documentation has an entry for each, and says what is not verified', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/authorization-servers.md'), 'utf8');
  const rows = (preset: string) => docs.split(`| \`${preset}\` |`).length - 1;
  expect(Object.keys(PRESETS).filter((preset) => rows(preset) < 2)).toEqual([]);
});

describe.each(Object.entries(LEAST))('%s', (preset, [least, keys]) => {
  const { needs = {}, issuerForm } = PRESETS[preset] ?? {};

  test('takes the least that its example has, and finds the keys', () => {
    expect(entry({ preset, ...least })).toMatchObject({ preset, issuers: [least.issuer] });
    expect(entry({ preset, ...least }).jwksUri).toBe(keys);
  });

  test('never takes tokens by their signature alone', () => {
    const { audience, typ, require } = entry({ preset, ...least });
    expect(audience.aud.length).toBeGreaterThan(0);
    const isTyped = !typ.includes('jwt') && !typ.includes('absent');
    expect(audience.values.length > 0 || (isTyped && require.length > 0)).toBe(true);
  });

  test('says what it needs', () => {
    for (const [key, what] of Object.entries(needs)) {
      const complaint = `preset ${preset} needs ${key}: ${what}.`;
      expect(problems({ preset, ...least, [key]: undefined })).toContain(complaint);
    }
    expect(Object.keys(least).sort()).toEqual(['issuer', ...Object.keys(needs)].sort());
  });

  test.skipIf(!issuerForm)(
    'refuses an issuer that is none of the product, and says what one looks like',
    () => {
      const issuer = least.issuer.endsWith('/') ? least.issuer.slice(0, -1) : `${least.issuer}/`;
      expect(problems({ preset, ...least, issuer })).toContain(
        `issuer ${JSON.stringify(issuer)} is none of ${preset}, which looks like ${issuerForm?.like}.`,
      );
      const several = problems({ preset, ...least, issuer: [least.issuer, issuer] });
      expect(several).toEqual([expect.stringContaining('is none of')]);
    },
  );
});

test.each([['Workos'], ['constructor'], [''], [5], [['workos']]])('%j is no preset', (preset) => {
  const complaint = `preset must be one of ${Object.keys(PRESETS).join(', ')}.`;
  expect(problems({ preset, issuer: 'https://acme.authkit.app' })).toEqual([complaint]);
});

test.each([
  ['common', 'https://login.microsoftonline.com/common/v2.0'],
  ['organizations', 'https://login.microsoftonline.com/organizations/v2.0'],
  ['a tenant by its domain', 'https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0'],
  ['v1.0', `https://sts.windows.net/${GUID}/`],
])('entra refuses the issuer of %s, which no v2.0 token has', (_, issuer) => {
  expect(problems({ preset: 'entra', audience: GUID, issuer })).toEqual([
    expect.stringContaining('is none of'),
  ]);
});

test('okta refuses the org authorization server, whose tokens are for Okta alone', () => {
  expect(problems({ preset: 'okta', issuer: 'https://acme.okta.com' })).toEqual([
    expect.stringContaining('is none of'),
  ]);
});

describe('what is given beside a preset', () => {
  const workos = { preset: 'workos', issuer: 'https://acme.authkit.app' };
  const jti = [{ claim: ['jti'], must: 'be_present', values: [] }];

  test('replaces what the preset says', () => {
    const given = { algs: ['ES256'], typ: ['JWT'], roles: [['r']], jwksUri: 'https://keys.example.com/jwks' };
    expect(entry({ ...workos, ...given })).toMatchObject({
      algs: ['ES256'],
      typ: ['jwt'],
      claims: { roles: [['r']] },
      jwksUri: 'https://keys.example.com/jwks',
    });
    expect(
      entry({ preset: 'cloudflare-access', issuer: 'https://a.cloudflareaccess.com', audience: 'x' }),
    ).toMatchObject({
      tokenHeader: 'cf-access-jwt-assertion',
      advertised: [],
      mirror: undefined,
    });
  });

  test('as rules is added: they can only get stricter', () => {
    const sid = { claim: ['sid'], isAbsent: true };
    expect(entry(workos).require).toEqual([jti]);
    expect(entry({ ...workos, require: [] }).require).toEqual([jti]);
    expect(entry({ ...workos, require: [sid] }).require).toEqual([
      jti,
      [{ claim: ['sid'], must: 'be_absent', values: [] }],
    ]);
    expect(problems({ ...workos, require: sid })).toEqual([expect.stringMatching(/^require must be a list/)]);
  });

  test('as audience are values for the claim that the preset knows, unless another is given', () => {
    const cognito = {
      preset: 'cognito',
      issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1',
    };
    const clients = { claim: ['client_id'], values: ['a', 'b'], aud: [RESOURCE, 'a', 'b'] };
    expect(entry({ ...cognito, audience: ['a', 'b'] }).audience).toEqual(clients);
    expect(entry({ ...cognito, audience: { values: ['a', 'b'] } }).audience).toEqual(clients);
    expect(entry({ ...cognito, audience: 'a' }).audience.values).toEqual(['a']);
    expect(entry({ ...cognito, audience: { claim: ['aud'] } }).audience).toEqual({
      claim: ['aud'],
      values: [RESOURCE],
      aud: [RESOURCE],
    });
    for (const audience of [[], [''], '', 5, { values: [] }])
      expect(problems({ ...cognito, audience }), JSON.stringify(audience)).toHaveLength(1);
  });

  test('as audience ends being bound to the issuer', () => {
    const clerk = { preset: 'clerk', issuer: 'https://clerk.example.com' };
    expect(entry(clerk).audience).toEqual({ claim: ['aud'], values: [], aud: [RESOURCE] });
    expect(entry({ ...clerk, audience: 'x' }).audience).toEqual({
      claim: ['aud'],
      values: ['x'],
      aud: ['x'],
    });
    const clients = { claim: ['client_id'], values: ['a'] };
    expect(entry({ ...clerk, audience: clients }).audience).toEqual({ ...clients, aud: [RESOURCE, 'a'] });
  });

  test('as tenants are values for the claim that the preset knows, unless another is given', () => {
    expect(entry(workos)).toMatchObject({ claims: { tenant: [['org_id']] }, tenants: undefined });
    const pinned = entry({ ...workos, tenant: { values: ['org_1'] } });
    expect(pinned).toMatchObject({ claims: { tenant: [['org_id']] }, tenants: ['org_1'] });
    const other = entry({ ...workos, tenant: { claim: [['t']] } });
    expect(other).toMatchObject({ claims: { tenant: [['t']] }, tenants: undefined });
    const keycloak = { preset: 'keycloak', issuer: 'https://keycloak.example.com/realms/acme' };
    expect(problems({ ...keycloak, tenant: { values: ['a'] } })).toHaveLength(1);
  });

  test('never changes the preset itself', () => {
    const before = JSON.stringify(PRESETS);
    entry({ ...workos, require: [{ claim: ['x'], isPresent: true }], tenant: { values: ['a'] } });
    expect(JSON.stringify(PRESETS)).toBe(before);
  });
});
