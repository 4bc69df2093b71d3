// The load on one contender at a time, made by a thread of its own (load-thread.ts) so that it goes on while this one waits.

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Exchange } from './exchange.ts';

export type LoadRequest =
  | {
      readonly kind: 'prepare';
      readonly name: string;
      readonly path: string;
      readonly host: string;
      readonly exchanges: readonly Exchange[];
    }
  | {
      readonly kind: 'load';
      /** Of what was prepared. */
      readonly name: string;
      readonly port: number;
      readonly connections: number;
      readonly forMs: number;
      /** Ends earlier, after so many exchanges. */
      readonly most: number;
    };

export interface LoadResult {
  readonly exchanges: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  /** The first wrong answer. */
  readonly fault: string | undefined;
}

export interface Load extends AsyncDisposable {
  prepare(request: Omit<Extract<LoadRequest, { kind: 'prepare' }>, 'kind'>): void;
  run(
    request: Omit<Extract<LoadRequest, { kind: 'load' }>, 'kind' | 'most'> & { readonly most?: number },
  ): Promise<LoadResult>;
}

export function startLoad(): Load {
  const thread = new Worker(join(import.meta.dirname, 'load-thread.ts'));
  return {
    prepare: (request) => thread.postMessage({ kind: 'prepare', ...request } satisfies LoadRequest),
    async run(request) {
      thread.postMessage({ kind: 'load', most: Number.POSITIVE_INFINITY, ...request } satisfies LoadRequest);
      const [result] = await once(thread, 'message');
      return result as LoadResult;
    },
    async [Symbol.asyncDispose]() {
      await thread.terminate();
    },
  };
}
