// What a value that somebody wrote or sent can be. Does not check what is inside.

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

/** scope-token of RFC 6749 section 3.3: with any other a challenge would ask for a scope that does not exist. */
export const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** What is wrong with the members of an object, if there is one that nobody would apply: as the end of a sentence. */
export function unknownMember(value: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(value).find((member) => !known.includes(member));
  return unknown === undefined
    ? undefined
    : `has no member ${JSON.stringify(unknown)}; there are ${known.join(', ')}`;
}
/**
 * Text of at most so many UTF-16 units that can be kept, shown and written again. Control characters in a log or a terminal
 * say what nobody wrote, and half a surrogate pair comes back from a database as something else. Emoji, which are joined by
 * invisible characters, are text.
 */
export const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' &&
  value.length <= most &&
  value.trim() !== '' &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value);

export const MAX_IDENTIFIER = 1_024;

/** What issuers, subjects, clients, tenants and tokens are called. One rule for all: what can sign in can be revoked by name. */
export const isIdentifier = (value: unknown): value is string => isText(value, MAX_IDENTIFIER);
