// What goes to the terminal, and what never does.
//
// Results go to standard output, everything else to standard error. Names come from tokens and clients, so nothing in them
// may move a cursor or change a colour; and a text that is a secret is replaced wherever it turns up.

const secrets = new Set<string>();

/** What is shorter is no secret, and part of ordinary words. */
const SHORTEST_SECRET = 8;

/** From now on `secret` is printed nowhere. */
export function hide(secret: string): void {
  if (secret.length >= SHORTEST_SECRET) secrets.add(secret);
}

/** A line of the result. */
export function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** A line about what goes on. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** A line that must not be missed. */
export function warn(text: string): void {
  note(`WARNING: ${text}`);
}

/** A result as JSON. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${withoutSecrets(JSON.stringify(value, undefined, 2)).replace(HIDDEN, asJson)}\n`);
}

/** What a terminal would obey or not show; line ends are ours, because texts from elsewhere pass `oneLine` first. */
const HIDDEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

const asJson = (character: string): string =>
  [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');

/** Text from elsewhere, in one line. */
export const oneLine = (text: string): string => text.replace(/\s*[\n\r\u2028\u2029]\s*/g, ' ');

export function printable(text: string): string {
  return withoutSecrets(text).replace(
    HIDDEN,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function withoutSecrets(text: string): string {
  let result = text;
  for (const secret of secrets) result = result.replaceAll(secret, '[hidden]');
  return result;
}
