// Untrusted input of the operators' API -> typed values, or an answer that names the member and what it must be.
//
// A problem is thrown as a Refusal, which routes.ts turns into an answer; nothing else is thrown on purpose here.
// Does not check whether what is named exists: the registry does.

import { tenantMember } from '../grant.ts';
import type { Assignee, RevocationTarget, Tenant } from '../policy/keys.ts';
import { REVOCATION_KINDS } from '../policy/keys.ts';
import { isFailure, readJson } from '../protocol/message.ts';
import { isRecord, isText, MAX_IDENTIFIER, SCOPE_TOKEN } from '../shapes.ts';

/** An answer other than success. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: string;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    status: number,
    error: string,
    description: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(description);
    this.status = status;
    this.error = error;
    this.details = details;
  }
}

/** What a value is called in a problem, and what to take from it. */
export type Input = Readonly<Record<string, unknown>>;

const LIMITS = { maxBodyBytes: 65_536, maxJsonDepth: 8 };
const MAX_LIST = 500;

const invalid = (problem: string): Refusal => new Refusal(400, 'invalid_request', problem);

/** The body, an object with no members but those named. */
export async function readBody(
  request: Request,
  members: readonly string[],
): Promise<{ readonly input: Input; readonly text: string }> {
  const body = await readJson(request, LIMITS);
  if (isFailure(body)) throw new Refusal(body.status, 'invalid_request', body.message);
  if (!isRecord(body.json)) throw invalid('The body must be a JSON object.');
  checkMembers(body.json, members);
  return { input: body.json, text: body.text };
}

/** The query, with no parameters but those named, each once. */
export function readQuery(query: URLSearchParams, members: readonly string[]): Input {
  const input: Record<string, string> = {};
  for (const [name, value] of query) {
    if (Object.hasOwn(input, name)) throw invalid(`${name} must be given once.`);
    input[name] = value;
  }
  checkMembers(input, members);
  return input;
}

export function checkMembers(input: Input, members: readonly string[]): void {
  const unknown = Object.keys(input).find((name) => !members.includes(name));
  if (unknown !== undefined)
    throw invalid(`${unknown.slice(0, 64)} is not known here; there is ${members.join(', ') || 'nothing'}.`);
}

/** Without a bound of its own, whatever is an identifier (shapes.ts): what signs in can be named here. */
export function text(input: Input, name: string, most = MAX_IDENTIFIER): string {
  const value = input[name];
  if (isText(value, most)) return value;
  throw invalid(`${name} must be text of 1 to ${most} characters.`);
}

export const optionalText = (input: Input, name: string): string | undefined =>
  input[name] === undefined ? undefined : text(input, name);

/** Why: for the history. */
export const reasonOf = (input: Input): string => text(input, 'reason', 500);

/** Roles are called what the tokens call them, be it `/admins` or `Report Editors`. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' &&
  value === value.trim() &&
  value.isWellFormed() &&
  /^\P{Cc}{1,128}$/u.test(value);

export function nameIn(input: Input, name: string): string {
  const value = input[name];
  if (isName(value)) return value;
  throw invalid(`${name} must be a name of 1 to 128 characters, without spaces around it.`);
}

export function namesIn(input: Input, name: string): readonly string[] {
  const value = input[name];
  if (Array.isArray(value) && value.length <= MAX_LIST && value.every(isName)) return [...new Set(value)];
  throw invalid(`${name} must be a list of names, at most ${MAX_LIST}.`);
}

export function scopesIn(input: Input, name: string): readonly string[] {
  const value = input[name];
  const good =
    Array.isArray(value) &&
    value.length <= MAX_LIST &&
    value.every((item) => typeof item === 'string' && SCOPE_TOKEN.test(item));
  if (good) return [...new Set(value as string[])];
  throw invalid(`${name} must be a list of scopes.`);
}

export function wholeNumber(input: Input, name: string, least: number, most: number): number {
  const value = input[name];
  const number = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number) && Number(number) >= least && Number(number) <= most)
    return Number(number);
  throw invalid(`${name} must be a whole number from ${least} to ${most}.`);
}

export const optionalNumber = (
  input: Input,
  name: string,
  least: number,
  most: number,
): number | undefined => (input[name] === undefined ? undefined : wholeNumber(input, name, least, most));

export function flag(input: Input, name: string): boolean {
  const value = input[name] ?? false;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalid(`${name} must be true or false.`);
}

/** One of the words there are, if it is given. */
export function optionalWord<T extends string>(
  input: Input,
  name: string,
  words: readonly T[],
): T | undefined {
  const value = input[name];
  const word = words.find((known) => known === value);
  if (value === undefined || word !== undefined) return word;
  throw invalid(`${name} must be one of ${words.join(', ')}.`);
}

/** A page of a list. */
export function pageOf(input: Input): { readonly limit: number; readonly cursor?: number } {
  const cursor = optionalNumber(input, 'cursor', 0, Number.MAX_SAFE_INTEGER);
  return {
    limit: optionalNumber(input, 'limit', 1, 500) ?? 100,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/**
 * A tenant; `null` for tokens that name none, which a query, where there is no null, calls `noTenant=true`. `undefined` when
 * it is left open.
 */
export function tenantIn(input: Input): Tenant | undefined {
  if (!flag(input, 'noTenant')) return input.tenant === null ? null : optionalText(input, 'tenant');
  if (input.tenant !== undefined) throw invalid('Give either tenant or noTenant.');
  return null;
}

/** What a list is to be about: JSON, so that `null` is a tenant. Of `undefined` there is none. */
export const tenantFilter = (input: Input): string | undefined => JSON.stringify(tenantIn(input));

/** A word that is written only by who means it: what is undone by nobody, or makes everybody sign in again. */
export function checkConfirmed(input: Input, word: string | undefined): void {
  if (input.confirm === word) return;
  throw invalid(word ? `confirm must be "${word}".` : 'confirm goes with issuer and everything only.');
}

/** Who a role is given to. */
export function assigneeOf(input: Input): Assignee {
  const [subject, clientId] = [optionalText(input, 'subject'), optionalText(input, 'clientId')];
  const tenant = tenantIn(input);
  if (flag(input, 'allTenants') && tenant !== undefined) throw invalid('Give either a tenant or allTenants.');
  const everybody = flag(input, 'everybody');
  if (everybody && clientId === undefined) throw invalid('everybody goes with a clientId only.');
  const among = { issuer: text(input, 'issuer'), ...tenantMember(tenant) };
  if (subject !== undefined && clientId === undefined) return { ...among, subject };
  if (clientId !== undefined && subject === undefined) return { ...among, clientId, everybody };
  throw invalid('Give either subject or clientId.');
}

const TARGET_MEMBERS: Readonly<Record<RevocationTarget['kind'], readonly string[]>> = {
  token: ['issuer', 'tokenId'],
  subject: ['issuer', 'subject'],
  client: ['issuer', 'clientId'],
  grant: ['issuer', 'subject', 'clientId'],
  session: ['sessionId'],
  tenant: ['issuer', 'tenant'],
  issuer: ['issuer'],
  everything: [],
};

/** What to revoke: a target, or a token that was found somewhere. */
export function targetOf(
  value: unknown,
): RevocationTarget | { readonly kind: 'token'; readonly token: string } {
  if (!isRecord(value)) throw invalid('target must be an object with a kind.');
  const kind = REVOCATION_KINDS.find((known) => known === value.kind);
  if (!kind) throw invalid(`target.kind must be one of ${REVOCATION_KINDS.join(', ')}.`);
  if (kind === 'token' && value.token !== undefined) {
    checkMembers(value, ['kind', 'token']);
    // A token is longer than other texts, and is never repeated in a problem.
    return { kind, token: text(value, 'token', 65_536) };
  }
  const within = ['subject', 'client', 'grant'].includes(kind) ? ['tenant'] : [];
  checkMembers(value, ['kind', ...TARGET_MEMBERS[kind], ...within]);
  const members = [...TARGET_MEMBERS[kind], ...within.filter((name) => value[name] !== undefined)];
  const isNull = (name: string): boolean =>
    value[name] === null && (name === 'tenant' || (kind === 'grant' && name === 'clientId'));
  const parts = members.map((name) => [name, isNull(name) ? null : text(value, name)]);
  return { kind, ...Object.fromEntries(parts) } as RevocationTarget;
}

/**
 * The version an operator has seen: `If-Match: "17"`, or `null` for `If-None-Match: *`. Also as a weak one: what compresses
 * an answer on its way weakens its ETag, and here it is a version either way.
 */
export function expectedVersion(headers: Headers): number | null {
  return headers.get('if-none-match') === '*' ? null : versionSeen(headers);
}

/** Of what there is already, and cannot be expected not to be. */
export function versionSeen(headers: Headers): number {
  const [, version] = /^(?:W\/)?"(\d{1,15})"$/.exec(headers.get('if-match') ?? '') ?? [];
  if (version !== undefined) return Number(version);
  throw new Refusal(
    428,
    'precondition_required',
    'Send If-Match with the ETag of what you have seen, or If-None-Match: * for a new role.',
  );
}
