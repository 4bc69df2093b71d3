// Where a claim is and what it must be: claim paths and the rules of `require`, as written in AUTHORIZATION_SERVERS.
//
// Does not read tokens: that is auth/claims.ts.

import { isRecord, stringList } from './shapes.ts';

/**
 * The way to a claim in a token's payload, one segment per level. Segments are never split: claim names have dots and
 * colons. A segment may be the value of another claim: `["tenants", { claim: ["dct"] }, "roles"]`.
 */
export type ClaimPath = readonly (string | { readonly claim: readonly string[] })[];

/** What one claim must be. Exactly one of the four. */
export interface ClaimRule {
  readonly claim: ClaimPath;
  /** Any of these values; of a list, one of its members. */
  readonly equals?: string | readonly string[];
  /** None of these values; of a list, none of its members. It may be absent. */
  readonly isNot?: string | readonly string[];
  /** It must be there, and not empty. */
  readonly isPresent?: true;
  /** It must not be there. */
  readonly isAbsent?: true;
}

/** A checked ClaimRule: `values` for equals and isNot. */
export interface Rule {
  readonly claim: ClaimPath;
  readonly must: 'equal' | 'differ' | 'be_present' | 'be_absent';
  readonly values: readonly string[];
}

/** The value of `require` -> for each of its entries the rules of which one must hold. */
export function checkRules(
  value: unknown,
  fail: (problem: string) => undefined,
): readonly (readonly Rule[])[] {
  if (value === undefined) return [];
  const rules = Array.isArray(value) ? value.map(alternativesOf) : [undefined];
  if (rules.every((alternatives) => alternatives !== undefined)) return rules;
  fail(
    'require must be a list of rules such as { claim = ["typ"], equals = "Bearer" }, { claim = ["typ"], isNot = "ID" }, { claim = ["client_id"], isPresent = true } or { claim = ["nonce"], isAbsent = true }, or of { anyOf = [rules] }',
  );
  return [];
}

/** One entry of `require` -> the rules of which one must hold. */
function alternativesOf(value: unknown): readonly Rule[] | undefined {
  if (!isRecord(value) || value.anyOf === undefined) return present([ruleOf(value)]);
  const { anyOf } = value;
  if (!Array.isArray(anyOf) || anyOf.length === 0 || Object.keys(value).length !== 1) return undefined;
  return present(anyOf.map(ruleOf));
}

const present = <T>(values: readonly (T | undefined)[]): readonly T[] | undefined =>
  values.every((value) => value !== undefined) ? values : undefined;

function ruleOf(value: unknown): Rule | undefined {
  if (!isRecord(value) || !isPath(value.claim) || Object.keys(value).length !== 2) return undefined;
  const { claim, equals, isNot, isPresent, isAbsent } = value;
  if (isPresent === true) return { claim, must: 'be_present', values: [] };
  if (isAbsent === true) return { claim, must: 'be_absent', values: [] };
  const wanted = equals ?? isNot;
  const values = typeof wanted === 'string' ? [wanted] : stringList(wanted);
  if (!values || values.length === 0 || values.includes('')) return undefined;
  return { claim, must: equals === undefined ? 'differ' : 'equal', values };
}

export function isPath(value: unknown): value is ClaimPath {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (segment) =>
        typeof segment === 'string' ||
        (isRecord(segment) &&
          Object.keys(segment).length === 1 &&
          (stringList(segment.claim)?.length ?? 0) > 0),
    )
  );
}
