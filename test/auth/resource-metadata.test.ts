// Does the protected resource metadata say what is configured, and only that?

import { expect, test } from 'vitest';
import { metadataPaths, metadataUrl, resourceMetadata } from '../../src/auth/resource-metadata.ts';
import { checkConfig } from '../../src/config.ts';

const RESOURCE = 'https://mcp.example.com/mcp';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

test.each([
  [RESOURCE, [`${WELL_KNOWN}/mcp`, WELL_KNOWN], `https://mcp.example.com${WELL_KNOWN}/mcp`],
  [
    'https://a.example:8443/x/y',
    [`${WELL_KNOWN}/x/y`, WELL_KNOWN],
    `https://a.example:8443${WELL_KNOWN}/x/y`,
  ],
  ['https://a.example', [WELL_KNOWN], `https://a.example${WELL_KNOWN}`],
])('the document of %s has its well-known places', (resource, paths, url) => {
  expect(metadataPaths(resource)).toEqual(paths);
  expect(metadataUrl(resource)).toBe(url);
});

function document(servers: readonly object[], settings: object = {}): Record<string, unknown> {
  const serverInfo = { name: 'test', version: '1' };
  const vars = { RESOURCE, AUTHORIZATION_SERVERS: servers };
  return JSON.parse(resourceMetadata(checkConfig({ serverInfo, scopesSupported: ['a'], ...settings }, vars)));
}

const AS = { issuer: 'https://issuer.example.com/tenant/' };

test('the document has everything that is configured', () => {
  const settings = {
    resourceName: 'Reports',
    resourceDocumentation: 'https://docs.example.com',
    scopesSupported: ['a', 'b'],
  };
  expect(document([AS, { issuer: 'https://b.example' }], settings)).toEqual({
    resource: RESOURCE,
    authorization_servers: ['https://issuer.example.com/tenant/', 'https://b.example'],
    scopes_supported: ['a', 'b'],
    bearer_methods_supported: ['header'],
    resource_name: 'Reports',
    resource_documentation: 'https://docs.example.com',
  });
});

test('what is not configured is left out', () => {
  expect(document([AS])).toEqual({
    resource: RESOURCE,
    authorization_servers: [AS.issuer],
    scopes_supported: ['a'],
    bearer_methods_supported: ['header'],
    resource_name: 'test',
  });
});

test('the name is resourceName, else the title, else the name of the server', () => {
  const serverInfo = { name: 'test', title: 'Title', version: '1' };
  expect(document([AS], { serverInfo }).resource_name).toBe('Title');
  expect(document([AS], { serverInfo, resourceName: 'Name' }).resource_name).toBe('Name');
});

const jwksUri = 'https://keys.example.com/jwks';
test('a server with several names is listed once, by the first that a client can find', () => {
  const issuer = ['https://a.example', 'https://b.example'];
  expect(document([{ issuer }]).authorization_servers).toEqual(['https://a.example']);
  const listed = document([{ issuer: ['corp-idp', ...issuer], jwksUri }]).authorization_servers;
  expect(listed).toEqual(['https://a.example']);
});

test.each(['corp-idp', 'urn:example:idp'])('an issuer no client can find is not listed: %s', (issuer) => {
  expect(document([AS, { issuer, jwksUri }]).authorization_servers).toEqual([AS.issuer]);
});

test('an authorization server is listed by another URL, or not at all, where that is said', () => {
  const advertise = 'https://issuer.example.com/resources/1';
  expect(document([{ ...AS, advertise }]).authorization_servers).toEqual([advertise]);
  expect(document([{ issuer: 'corp-idp', jwksUri, advertise }]).authorization_servers).toEqual([advertise]);
  expect(document([{ issuer: 'https://b.example', advertise: false }, AS]).authorization_servers).toEqual([
    AS.issuer,
  ]);
  expect(document([{ ...AS, advertise: false }])).not.toHaveProperty('authorization_servers');
});

test('one URL of two entries is listed once', () => {
  const two = [AS, { issuer: 'https://b.example', advertise: AS.issuer }];
  expect(document(two).authorization_servers).toEqual([AS.issuer]);
});

test('scopes are told with what the authorization server has before them, those of OpenID Connect as they are', () => {
  const scopesSupported = ['openid', 'offline_access', 'reports:read', 'api://x/reports:list'];
  const entry = { ...AS, scopePrefix: 'api://x/' };
  expect(document([entry], { scopesSupported }).scopes_supported).toEqual([
    'openid',
    'offline_access',
    'api://x/reports:read',
    'api://x/reports:list',
  ]);
  const untold = [{ ...entry, advertise: false }, { issuer: 'https://b.example' }];
  expect(document(untold, { scopesSupported }).scopes_supported).toEqual(scopesSupported);
});

test('lists with nothing in them are left out (RFC 9728 section 3.2)', () => {
  const empty = document([{ issuer: 'corp-idp', jwksUri }], { scopesSupported: [] });
  expect(Object.keys(empty)).toEqual(['resource', 'bearer_methods_supported', 'resource_name']);
});
