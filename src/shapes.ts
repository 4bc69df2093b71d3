// What a value that somebody wrote or sent can be. Does not check what is inside.

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

/** scope-token of RFC 6749 section 3.3: with any other a challenge would ask for a scope that does not exist. */
export const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** The first member of an object that is not one of those known: what nobody applies must not be written down. */
export const unknownMember = (value: object, known: readonly string[]): string | undefined =>
  Object.keys(value).find((member) => !known.includes(member));
