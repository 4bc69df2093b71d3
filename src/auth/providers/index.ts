// What is known about products that issue tokens: data only, one preset each, with its source and what is not verified.
//
// A preset says what tells the product's access tokens from its other tokens and where their claims are. It never says
// whom to trust: the issuer, and an audience where it is not RESOURCE, are the deployment's.

import type { AuthorizationServerSettings } from '../../authorization-servers.ts';
import { auth0 } from './auth0.ts';
import { betterAuth } from './better-auth.ts';
import { clerk } from './clerk.ts';
import { cloudflareAccess } from './cloudflare-access.ts';
import { cognito } from './cognito.ts';
import { descope } from './descope.ts';
import { entra } from './entra.ts';
import { fusionauth } from './fusionauth.ts';
import { google } from './google.ts';
import { keycloak } from './keycloak.ts';
import { logto } from './logto.ts';
import { oidcProvider } from './oidc-provider.ts';
import { okta } from './okta.ts';
import { ory } from './ory.ts';
import { ping } from './ping.ts';
import { scalekit } from './scalekit.ts';
import { stytch } from './stytch.ts';
import { supabase } from './supabase.ts';
import { workos } from './workos.ts';
import { zitadel } from './zitadel.ts';

export interface Preset {
  /** What an entry has when it does not say it itself. In `jwksUri`, `{issuer}` stands for the first issuer. */
  readonly settings: Omit<AuthorizationServerSettings, 'issuer' | 'preset'>;
  /** Whether its tokens name, for each role, the organizations that gave it: those of others do not count. */
  readonly rolesNameTenants?: true;
  /** What issuers of the product look like. A check against mistakes, not of trust. */
  readonly issuerForm?: { readonly pattern: RegExp; readonly like: string };
  /** Keys of an entry that only the deployment can know, and what to put there. */
  readonly needs?: Readonly<Partial<Record<keyof AuthorizationServerSettings, string>>>;
}

export const PRESETS: Readonly<Record<string, Preset>> = {
  workos,
  auth0,
  okta,
  entra,
  keycloak,
  cognito,
  stytch,
  descope,
  clerk,
  scalekit,
  logto,
  ory,
  zitadel,
  ping,
  fusionauth,
  supabase,
  'cloudflare-access': cloudflareAccess,
  'better-auth': betterAuth,
  'oidc-provider': oidcProvider,
  google,
};
