// Message -> the scopes and permissions it needs.
//
// Listing and discovery need only a valid token. A call of a tool that does not exist needs nothing: the method itself
// will say so.

import type { Requirement } from '../policy/authorize.ts';
import type { Message } from './message.ts';
import type { Catalogue } from './tool.ts';

const NOTHING: Requirement = { scopes: [], permissions: [] };

export function requirementOf(message: Message, catalogue: Catalogue): Requirement {
  const { name } = message.params;
  return (
    (message.method === 'tools/call' && typeof name === 'string' && catalogue.byName.get(name)) || NOTHING
  );
}
