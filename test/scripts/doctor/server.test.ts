// Does the doctor find what is wrong with a deployed server, as a client meets it?

import { gate, RESOURCE_METADATA, type Reply } from './fakes.ts';
import type { World } from './run.ts';
import { firstLineNames } from './table.ts';

const ENDPOINT = '/mcp';
const CLOUDFLARES = { server: 'cloudflare', 'cf-mitigated': 'challenge' };

const always = (reply: Reply) => (world: World) => {
  world.serverRoutes[ENDPOINT] = reply;
};

/** Changes what the metadata says, at both places. */
const metadata = (world: World, members: object): void => {
  const body = {
    resource: `${world.origin}${ENDPOINT}`,
    authorization_servers: [world.issuer],
    scopes_supported: ['reports:read'],
    ...members,
  };
  const headers = { 'access-control-allow-origin': '*' };
  for (const path of [`${RESOURCE_METADATA}${ENDPOINT}`, RESOURCE_METADATA])
    world.serverRoutes[path] = { body, headers };
};

const challenge = (world: World, parameters: string): void => {
  world.serverRoutes[ENDPOINT] = (request) => {
    const reply = gate(request, world.origin);
    const headers = { ...reply.headers, 'www-authenticate': `Bearer ${parameters}` };
    return reply.status === 401 ? { ...reply, headers } : reply;
  };
};

firstLineNames({
  'a server that is not there': {
    id: 'server.unreachable',
    says: 'http://localhost:2/mcp cannot be reached: nothing listens at localhost:2',
    spoil: (world) => {
      world.flags = { url: 'http://localhost:2/mcp' };
      world.file.vars.RESOURCE = 'http://localhost:2/mcp';
    },
  },
  'a URL without the path of the endpoint': {
    id: 'server.not-found',
    says: 'the server is there, but its MCP endpoint is https://mcp.acme.dev/mcp',
    spoil: always({
      status: 404,
      body: { error_description: 'The MCP endpoint is https://mcp.acme.dev/mcp' },
    }),
  },
  'a URL that leads nowhere': {
    id: 'server.not-found',
    says: '{url} answers 404: nothing is served there',
    spoil: always({ status: 404 }),
  },
  'a Worker that is misconfigured': {
    id: 'server.misconfigured',
    says: '{url} answers 500: the Worker is misconfigured or fails',
    spoil: always({ status: 500, body: { error: 'server_error' } }),
  },
  'storage that cannot be reached': {
    id: 'server.unavailable',
    says: '{url} answers 503: it cannot check who may enter',
    spoil: always({ status: 503, body: { error: 'temporarily_unavailable' } }),
  },
  'a host without a route to the Worker': {
    id: 'server.failing',
    says: '{url} answers 530 (Cloudflare error 1016)',
    spoil: always({ status: 530, body: 'error code: 1016' }),
  },
  'a host that is not that of RESOURCE': {
    id: 'server.host',
    says: 'the server does not answer under the host localhost',
    spoil: always({ status: 403, body: { error: 'forbidden' } }),
  },
  'an http URL where RESOURCE is https': {
    id: 'server.insecure-transport',
    says: '{url} is http, and RESOURCE is https there',
    spoil: always({ status: 403, body: { error: 'insecure_transport' } }),
  },
  'a URL that is redirected': {
    id: 'server.redirect',
    says: '{url} redirects to /mcp/',
    spoil: always({ status: 308, headers: { location: '/mcp/' } }),
  },
  'Cloudflare Access in front': {
    id: 'server.access',
    says: 'is behind Cloudflare Access: it redirects to acme.cloudflareaccess.com',
    spoil: always({ status: 302, headers: { location: 'https://acme.cloudflareaccess.com/cdn-cgi/access' } }),
  },
  'bot protection against everything': {
    id: 'server.bot-protection',
    says: '{url} is shielded from this program by bot protection',
    spoil: always({ status: 403, body: 'Just a moment...', headers: CLOUDFLARES }),
  },
  'bot protection against one client': {
    id: 'server.bot-protection',
    says: '{url} is shielded from Claude by bot protection',
    spoil: (world) => {
      world.serverRoutes[ENDPOINT] = (request) =>
        request.headers['user-agent'] === 'Claude-User'
          ? { status: 403, body: '<title>Attention Required! | Cloudflare</title>' }
          : gate(request, world.origin);
    },
  },
  'a server that asks for no token': {
    id: 'server.gate',
    says: '{url} answers a request without a token with 200 instead of 401',
    spoil: always({ body: { jsonrpc: '2.0', id: 1, result: {} } }),
  },
  'a 401 without challenge': {
    id: 'server.challenge',
    says: '{url}: its 401 has no WWW-Authenticate',
    spoil: always({ status: 401 }),
  },
  'a challenge of another kind': {
    id: 'server.challenge',
    says: 'its WWW-Authenticate is no Bearer challenge: Basic realm="staff"',
    spoil: always({ status: 401, headers: { 'www-authenticate': 'Basic realm="staff"' } }),
  },
  'a challenge that names other metadata': {
    id: 'server.challenge',
    says: 'names the metadata http://mcp.acme.dev/x (another host)',
    spoil: (world) => challenge(world, 'scope="reports:read", resource_metadata="http://mcp.acme.dev/x"'),
  },
  'a challenge that says the token is invalid when there was none': {
    id: 'server.challenge-error',
    level: 'warning',
    says: 'has an error (invalid_token)',
    spoil: (world) =>
      challenge(
        world,
        `error="invalid_token", scope="reports:read", resource_metadata="${world.origin}${RESOURCE_METADATA}/mcp"`,
      ),
  },
  'a challenge with other scopes than configured': {
    id: 'server.challenge-scope',
    level: 'warning',
    says: 'its challenge has no scope',
    spoil: (world) => challenge(world, `resource_metadata="${world.origin}${RESOURCE_METADATA}/mcp"`),
  },
  'a HEAD that is not asked for a token': {
    id: 'server.methods',
    level: 'warning',
    says: '{url}: answers HEAD with 405',
    spoil: (world) => {
      world.serverRoutes[ENDPOINT] = (request) =>
        request.method === 'HEAD' ? { status: 405 } : gate(request, world.origin);
    },
  },
  'metadata that is not routed to the Worker': {
    id: 'server.metadata',
    says: `${RESOURCE_METADATA}/mcp answers 404 instead of the metadata`,
    spoil: (world) => {
      delete world.serverRoutes[`${RESOURCE_METADATA}/mcp`];
    },
  },
  'metadata that is not at the root': {
    id: 'server.metadata-root',
    level: 'warning',
    says: `${RESOURCE_METADATA} does not have the same document`,
    spoil: (world) => {
      delete world.serverRoutes[RESOURCE_METADATA];
    },
  },
  "a copy of the authorization server's metadata that is not there": {
    id: 'server.mirror',
    says: '/.well-known/oauth-authorization-server answers 404 instead of a copy of the metadata',
    spoil: (world) => {
      world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: world.issuer, mirror: true }];
    },
  },
  'a resource with a slash at the end': {
    id: 'server.resource',
    says: '{url}: its metadata says resource {url}/ (it has a slash at the end)',
    spoil: (world) => metadata(world, { resource: `${world.origin}/mcp/` }),
  },
  'a resource on another host': {
    id: 'server.resource',
    says: 'its metadata says resource https://internal.acme.dev/mcp (another host)',
    spoil: (world) => metadata(world, { resource: 'https://internal.acme.dev/mcp' }),
  },
  'a deployment that names another authorization server': {
    id: 'server.authorization-servers',
    says: 'its metadata names https://old.acme.dev; configured here is {issuer}',
    spoil: (world) => metadata(world, { authorization_servers: ['https://old.acme.dev'] }),
  },
  'metadata without authorization server': {
    id: 'server.authorization-servers',
    says: 'its metadata names no authorization server',
    spoil: (world) => metadata(world, { authorization_servers: undefined }),
  },
  'a deployment of another RESOURCE': {
    id: 'server.configuration',
    says: 'its metadata says resource {url}; here it is http://localhost:2/mcp',
    spoil: (world) => {
      world.file.vars.RESOURCE = 'http://localhost:2/mcp';
      challenge(
        world,
        `scope="reports:read", resource_metadata="http://localhost:2${RESOURCE_METADATA}/mcp"`,
      );
    },
  },
  'metadata that pages cannot read': {
    id: 'server.metadata-cors',
    level: 'warning',
    says: 'pages of other origins cannot read it',
    spoil: (world) => {
      metadata(world, {});
      const { [`${RESOURCE_METADATA}/mcp`]: route } = world.serverRoutes;
      world.serverRoutes[`${RESOURCE_METADATA}/mcp`] = { ...route, headers: {} } as Reply;
    },
  },
  'a server that answers foreign pages': {
    id: 'server.origin',
    says: '{url}: answers a page of a foreign origin with 401 instead of 403',
    spoil: (world) => {
      world.serverRoutes[ENDPOINT] = (request) => {
        const headers = { ...request.headers, ...(request.headers.origin ? { origin: world.origin } : {}) };
        return gate({ headers } as typeof request, world.origin);
      };
    },
  },
  'a challenge that pages cannot read': {
    id: 'server.cors',
    level: 'warning',
    says: 'pages of its own origin cannot read WWW-Authenticate',
    spoil: (world) => {
      world.serverRoutes[ENDPOINT] = (request) => {
        const reply = gate(request, world.origin);
        return { ...reply, headers: { 'www-authenticate': reply.headers?.['www-authenticate'] ?? '' } };
      };
    },
  },
});
