// What the doctor says about one thing it looked at, and how text from elsewhere gets into it.
//
// `what` is the fact, `why` what comes of it, `fix` what to do; a finding that is fine has only the first. Ids are stable,
// for scripts that read --json.
// Does not decide what is right.

export type Level = 'ok' | 'warning' | 'error';

export interface Finding {
  readonly id: string;
  readonly level: Level;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export const ok = (id: string, what: string): Finding => ({ id, level: 'ok', what, why: '', fix: '' });

export const warning = (id: string, what: string, why: string, fix: string): Finding => ({
  id,
  level: 'warning',
  what,
  why,
  fix,
});

export const error = (id: string, what: string, why: string, fix: string): Finding => ({
  id,
  level: 'error',
  what,
  why,
  fix,
});

const LONGEST = 300;
/** What a terminal would obey, or not show: characters that turn a text around would make it say something else. */
const HIDDEN = /\p{C}/gu;

const oneLine = (text: string): string => text.replace(/[\t\n\v\f\r\u2028\u2029]+/g, ' ');
const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Text from the network, a file or a token as a person may see it: one line, bounded, nothing a terminal would obey. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  const line = oneLine(text).trim().replace(HIDDEN, escaped);
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}

/** `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? 'none';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** How two texts that should be the same differ, where that can be said shortly. */
export function difference(found: string, wanted: string): string {
  if (found === `${wanted}/`) return ' (it has a slash at the end)';
  if (`${found}/` === wanted) return ' (it lacks the slash at the end)';
  if (found.toLowerCase() === wanted.toLowerCase()) return ' (upper and lower case differ)';
  const [one, other] = [URL.parse(found), URL.parse(wanted)];
  if (!one || !other) return '';
  if (one.host !== other.host) return ' (another host)';
  if (one.protocol !== other.protocol) return ' (http and https)';
  return one.pathname === other.pathname ? '' : ' (another path)';
}
