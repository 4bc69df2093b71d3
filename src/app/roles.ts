// YOURS: which roles there are and what they permit. The names are those in your authorization server's tokens.

import { defineRoles } from '../kit.ts';

export const roles = defineRoles({
  reader: { permissions: ['reports:read'] },
  editor: { inherits: ['reader'], permissions: ['reports:write'] },
  finance: { permissions: ['payments:refund'] },
  operator: { permissions: ['mcp:operate'] },
});
