// All commands, in the order of the help.

import { ASSIGNMENT_COMMANDS } from './assignments.ts';
import { AUDIT_COMMANDS } from './audit.ts';
import type { AdminCommand } from './command.ts';
import { say } from './output.ts';
import { REVOCATION_COMMANDS } from './revocations.ts';
import { ROLE_COMMANDS } from './roles.ts';
import { SERVICE_KEY_COMMANDS } from './service-keys.ts';
import { SESSION_COMMANDS } from './sessions.ts';
import { dropAllTokens } from './token-files.ts';

const LOGOUT: AdminCommand = {
  name: 'logout',
  summary: 'Remove the tokens that are kept from signing in, of all servers',
  details: 'It does not revoke them: see `revoke token`.',
  effect: 'local',
  flags: {},
  examples: ['logout'],
  async run() {
    const count = await dropAllTokens();
    say(count === 0 ? 'there was no token' : `removed ${count === 1 ? 'the token' : `${count} tokens`}`);
    return undefined;
  },
};

export const COMMANDS: readonly AdminCommand[] = [
  ...REVOCATION_COMMANDS,
  ...ROLE_COMMANDS,
  ...ASSIGNMENT_COMMANDS,
  ...SERVICE_KEY_COMMANDS,
  ...SESSION_COMMANDS,
  ...AUDIT_COMMANDS,
  LOGOUT,
];
