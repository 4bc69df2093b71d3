// What a change is made in, and how it is refused: thrown inside the transaction, so that nothing of it is kept. Decides
// nothing.

import type { Config } from '../config.ts';
import type { ChangeOutcome } from './change.ts';
import type { PolicyStore } from './policy-store.ts';
import type { Roles } from './roles.ts';

export interface ChangeContext {
  readonly store: PolicyStore;
  /** Roles of the app, taken over by the first edit. */
  readonly seed: Roles;
  readonly config: Pick<
    Config,
    | 'adminPermission'
    | 'adminScope'
    | 'adminScopeInKeys'
    | 'clockToleranceSeconds'
    | 'defaultRoles'
    | 'serviceKeyMaxSeconds'
  >;
  /** Epoch seconds. */
  readonly at: number;
}

type Problem = Extract<ChangeOutcome, { isDone: false }>['problem'];

/** A change that cannot be made; nothing of it is kept. */
export class Refused extends Error {
  readonly outcome: Extract<ChangeOutcome, { isDone: false }>;
  constructor(
    problem: Problem,
    detail: string,
    more: { readonly currentVersion?: number; readonly retryAfterSeconds?: number } = {},
  ) {
    super(detail);
    this.outcome = { isDone: false, problem, detail, more };
  }
}
