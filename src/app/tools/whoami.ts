// YOURS: who the server thinks is calling; the first thing to try when access is not what you expect.

import * as v from 'valibot';
import { defineTool } from '../../kit.ts';
import { object } from '../reports.ts';

export const whoami = defineTool({
  name: 'whoami',
  title: 'Who am I?',
  description:
    'Tells who is calling: issuer, subject, client, tenant, scopes, roles, permissions and when the access token expires.',
  input: object({}),
  output: object({
    issuer: v.string(),
    subject: v.string(),
    clientId: v.optional(v.string()),
    tenant: v.optional(v.string()),
    scopes: v.array(v.string()),
    roles: v.array(v.string()),
    permissions: v.pipe(v.array(v.string()), v.description('All that the roles and the token give')),
    expiresAt: v.pipe(v.number(), v.description('Seconds since 1970')),
  }),
  scopes: [],
  permissions: [],
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: (_input, { principal, permissions }) => {
    const { issuer, subject, clientId, tenant, scopes, roles, expiresAt } = principal;
    return {
      issuer,
      subject,
      ...(clientId === undefined ? {} : { clientId }),
      ...(tenant == null ? {} : { tenant }),
      scopes: [...scopes],
      roles: [...roles],
      permissions: [...permissions],
      expiresAt,
    };
  },
});
