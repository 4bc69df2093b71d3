// Does the doctor find what is wrong with a configuration before anyone deploys it?

import type { World } from './run.ts';
import { firstLineNames } from './table.ts';

const entry = (world: World, keys: object): void => {
  world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: world.issuer, ...keys }];
};

firstLineNames({
  'a file with nothing in it yet': {
    id: 'config.begin',
    says: 'nothing is configured yet: RESOURCE and AUTHORIZATION_SERVERS are not set',
    spoil: (world) => {
      world.file.vars = {};
      world.flags = {};
    },
  },
  'variables that are in .dev.vars only': {
    id: 'config.dev-vars',
    level: 'warning',
    says: 'RESOURCE and AUTHORIZATION_SERVERS are set in .dev.vars only',
    spoil: (world) => {
      world.devVars = `RESOURCE=${world.origin}/mcp\nAUTHORIZATION_SERVERS='[{"issuer":"${world.issuer}"}]'\n`;
      world.file.vars = {};
      world.flags = {};
    },
  },
  'a secret of .dev.vars that is too short': {
    id: 'config.request-state-secret',
    says: 'REQUEST_STATE_SECRET: must have at least 32 characters',
    spoil: (world) => {
      world.devVars = 'REQUEST_STATE_SECRET=short\n';
    },
  },
  'a wrangler.toml that is no TOML': {
    id: 'config.file',
    says: 'wrangler.toml cannot be read: Invalid TOML document',
    spoil: (world) => {
      world.text = 'name = "mcp-edge\n[vars';
    },
  },
  'a Worker whose tools could import the bindings of the kit': {
    id: 'bindings.importable-env',
    says: 'compatibility_flags lacks disallow_importable_env',
    spoil: (world) => {
      world.file.compatibility_flags = ['enable_request_signal'];
    },
  },
  'RESOURCE with a slash at the end': {
    id: 'config.resource',
    says: 'RESOURCE: must not end with a slash.',
    spoil: (world) => {
      world.file.vars.RESOURCE = `${world.origin}/mcp/`;
    },
  },
  'an issuer without TLS': {
    id: 'config.authorization-servers',
    says: 'must use https (http only on localhost)',
    spoil: (world) => {
      world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: 'http://login.acme.dev' }];
    },
  },
  'AUTHORIZATION_SERVERS that were forgotten': {
    id: 'config.authorization-servers',
    says: 'AUTHORIZATION_SERVERS: is missing.',
    spoil: (world) => {
      delete world.file.vars.AUTHORIZATION_SERVERS;
    },
  },
  'a RESOURCE that was forgotten': {
    id: 'config.resource',
    says: 'RESOURCE: is missing.',
    spoil: (world) => {
      delete world.file.vars.RESOURCE;
    },
  },
  'a RESOURCE without scheme': {
    id: 'config.resource',
    says: 'RESOURCE: must use https (http only on localhost).',
    spoil: (world) => {
      world.file.vars.RESOURCE = 'localhost:8787/mcp';
    },
  },
  'an entry with a mistyped key': {
    id: 'config.authorization-servers',
    says: 'unknown key "audiense"',
    spoil: (world) => entry(world, { audiense: 'x' }),
  },
  'values of the examples': {
    id: 'config.placeholder',
    says: 'RESOURCE still has a value of the examples: example.com',
    spoil: (world) => {
      world.file.vars.RESOURCE = 'https://mcp.example.com/mcp';
      world.flags = {};
    },
  },
  'a secret in the file': {
    id: 'config.secret',
    says: 'REQUEST_STATE_SECRET stands in [vars] of wrangler.toml',
    spoil: (world) => {
      world.file.vars.REQUEST_STATE_SECRET = 'this is long enough to be a secret of ours';
    },
  },
  'a secret from before in the file': {
    id: 'config.secret',
    says: 'AUDIT_SECRET_PREVIOUS stands in [vars] of wrangler.toml',
    spoil: (world) => {
      world.file.vars.AUDIT_SECRET_PREVIOUS = 'this is long enough to be a secret of ours';
    },
  },
  "a client's id as audience, with nothing that tells ID tokens apart": {
    id: 'config.audience',
    says: '{issuer}: the audience client-17 is not RESOURCE',
    spoil: (world) => entry(world, { audience: 'client-17' }),
  },
  "another API's audience": {
    id: 'config.audience',
    level: 'warning',
    says: '{issuer}: the audience https://api.acme.dev is not RESOURCE',
    spoil: (world) => entry(world, { audience: ['https://api.acme.dev'] }),
  },
  'a tenant claim, and every tenant is served': {
    id: 'config.tenant',
    level: 'warning',
    says: '{issuer}: tokens of every organization are taken',
    spoil: (world) => entry(world, { tenant: { claim: [['org_id']] } }),
  },
  'a default role that does not exist': {
    id: 'config.default-roles',
    says: 'DEFAULT_ROLES names the role raeder',
    spoil: (world) => {
      world.file.vars.DEFAULT_ROLES = ['raeder'];
    },
  },
  'a scope that nothing needs': {
    id: 'config.scopes-unneeded',
    level: 'warning',
    says: 'scopesSupported names reports:delete, which no tool, resource or prompt needs',
    spoil: (world) => {
      world.file.vars.SCOPES_SUPPORTED = ['reports:read', 'reports:delete'];
    },
  },
  'offline_access among the scopes': {
    id: 'config.offline-access',
    level: 'warning',
    says: 'scopesSupported names offline_access',
    spoil: (world) => {
      world.file.vars.SCOPES_SUPPORTED = ['reports:read', 'offline_access'];
    },
  },
  'an environment without variables of its own': {
    id: 'config.env-vars',
    says: '[env.production] has no [env.production.vars]',
    spoil: (world) => {
      world.file.env = { production: { name: 'mcp-edge-production' } };
      world.flags = { env: 'production' };
    },
  },
  'a KV namespace that is not bound': {
    id: 'bindings.kv',
    says: 'binds no KV namespace as KIT_KV',
    spoil: (world) => {
      world.file.kv_namespaces = [{ binding: 'KV' }];
    },
  },
  'a KV namespace with an id that was left to fill in': {
    id: 'bindings.kv-id',
    says: 'the id of the KV namespace KIT_KV is no id: abc',
    spoil: (world) => {
      world.file.kv_namespaces = [{ binding: 'KIT_KV', id: 'abc' }];
    },
  },
  'a Durable Object that is not bound': {
    id: 'bindings.object',
    says: 'binds no Durable Object as POLICY_REGISTRY',
    spoil: (world) => {
      const objects = world.file.durable_objects as { bindings: { name: string }[] };
      objects.bindings = objects.bindings.filter(({ name }) => name !== 'POLICY_REGISTRY');
    },
  },
  'a Durable Object that no migration creates': {
    id: 'bindings.migration',
    says: 'no migration creates the Durable Object DecisionLog',
    spoil: (world) => {
      world.file.migrations = [
        { tag: 'v1', new_sqlite_classes: ['ClientSession', 'NotificationHub', 'PolicyRegistry'] },
      ];
    },
  },
  'a Durable Object without SQLite': {
    id: 'bindings.migration',
    says: 'a migration creates the Durable Object PolicyRegistry in new_classes, without SQLite',
    spoil: (world) => {
      world.file.migrations = [
        {
          tag: 'v1',
          new_classes: ['PolicyRegistry'],
          new_sqlite_classes: ['ClientSession', 'NotificationHub', 'DecisionLog'],
        },
      ];
    },
  },
  "RESOURCE on another Worker's host": {
    id: 'bindings.route',
    says: 'RESOURCE is on reports.acme.workers.dev, but the Worker is called mcp-edge',
    spoil: (world) => {
      world.file.vars.RESOURCE = 'https://reports.acme.workers.dev/mcp';
      world.flags = {};
    },
  },
  'a route for another host': {
    id: 'bindings.route',
    says: 'RESOURCE is on mcp.acme.dev, but the routes of wrangler.toml are for tools.acme.dev',
    spoil: (world) => {
      world.file.vars.RESOURCE = 'https://mcp.acme.dev/mcp';
      world.file.routes = [{ pattern: 'tools.acme.dev', custom_domain: true }];
      world.flags = {};
    },
  },
  'a preset that is not named for a known product': {
    id: 'issuer.preset',
    level: 'warning',
    says: 'this looks like Keycloak, and no preset is named',
    spoil: (world) => {
      const issuer = `${world.issuer}/realms/staff`;
      const metadata = world.issuerRoutes['/.well-known/oauth-authorization-server'];
      if (typeof metadata !== 'object') throw new Error('there is no metadata');
      world.issuerRoutes['/.well-known/oauth-authorization-server/realms/staff'] = {
        ...metadata,
        body: { ...(metadata.body as object), issuer },
      };
      const document = {
        resource: `${world.origin}/mcp`,
        authorization_servers: [issuer],
        scopes_supported: ['reports:read'],
      };
      const open = { 'access-control-allow-origin': '*' };
      world.serverRoutes['/.well-known/oauth-protected-resource/mcp'] = { body: document, headers: open };
      world.serverRoutes['/.well-known/oauth-protected-resource'] = { body: document, headers: open };
      world.file.vars.AUTHORIZATION_SERVERS = [{ issuer }];
    },
  },
});
