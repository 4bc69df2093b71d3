// YOURS: what every deployment of this server has in common. Whom it trusts is set per deployment, in wrangler.toml.

import { defineConfig } from '../kit.ts';

export const config = defineConfig({
  serverInfo: { name: 'reports', title: 'Reports', version: '0.1.0' },
  instructions:
    'Quarterly reports of the company. List them before reading one; update only what the user asked for.',
  // What a client asks for at first. Tools that need more say so when they are called.
  scopesSupported: ['reports:read'],
  scopeImplications: { 'reports:write': ['reports:read'] },
});
