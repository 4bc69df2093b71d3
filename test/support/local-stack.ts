// The local stack (the real Worker, a real authorization server) for the tests of a file, on free ports and
// with storage of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { freePort, type LocalStack, startLocalStack } from '../../scripts/local-stack.ts';

export interface LocalStackInUse extends Pick<LocalStack, 'mcp' | 'issuer'> {
  /** A folder for whatever the tests want to keep; removed after them. */
  readonly folder: string;
}

/** Started before the tests of a file and stopped after them; there is nothing in it earlier. */
export function useLocalStack(): LocalStackInUse {
  const inUse = {} as { -readonly [Key in keyof LocalStackInUse]: LocalStackInUse[Key] };
  let stack: LocalStack | undefined;
  beforeAll(async () => {
    inUse.folder = await mkdtemp(join(tmpdir(), 'local-stack-'));
    const persist = join(inUse.folder, 'state');
    stack = await startLocalStack({ port: await freePort(), authorizationServerPort: 0, persist });
    inUse.mcp = stack.mcp;
    inUse.issuer = stack.issuer;
  });
  afterAll(async () => {
    await stack?.close();
    await rm(inUse.folder, { recursive: true, force: true });
  });
  return inUse;
}
