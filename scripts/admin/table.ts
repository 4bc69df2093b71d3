// Answers for people: aligned columns, times, and what things are called.
//
// Nothing is cut short: what is shown can be copied into the next command. Where a name has characters that are shown as
// `\u{...}`, --json has it as it is.

import { oneLine, printable } from './output.ts';

/** Rows under titles. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return aligned([titles, ...rows]);
}

/** A thing: names and values, those without a value left out. */
export function fields(pairs: readonly (readonly [name: string, value: string | undefined])[]): string {
  return aligned(pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function aligned(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((text) => printable(oneLine(text)) || '-'));
  const widths: number[] = [];
  for (const row of cells)
    for (const [index, { length }] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, length);
  return cells
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A table, or a sentence when there is nothing in it. */
export const tableOr = (
  nothing: string,
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string => (rows.length === 0 ? nothing : table(titles, rows));

const now = (): number => Date.now() / 1_000;

/** Epoch seconds as `2030-01-31T18:00:00+01:00 (3 min ago)`. */
export const when = (at: number): string => `${localTime(at)} (${relative(at)})`;

export function localTime(at: number): string {
  const offset = -new Date(at * 1_000).getTimezoneOffset();
  const local = new Date(at * 1_000 + offset * 60_000).toISOString().slice(0, 19);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${local}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
}

/** `3 min ago`, `in 2 days`. */
export function relative(at: number, from: number = now()): string {
  const text = duration(Math.abs(at - from));
  if (text === '0 s') return 'now';
  return at > from ? `in ${text}` : `${text} ago`;
}

export function duration(seconds: number): string {
  const units = [
    ['s', 1, 90],
    ['min', 60, 90],
    ['h', 3_600, 48],
  ] as const;
  for (const [unit, size, most] of units) {
    const count = Math.round(seconds / size);
    if (count < most) return `${count} ${unit}`;
  }
  return `${Math.round(seconds / 86_400)} days`;
}

/** Somebody, as the API names them; a name that was forgotten is null. */
export interface Someone {
  readonly issuer?: string | undefined;
  readonly subject?: string | null | undefined;
  readonly clientId?: string | null | undefined;
  /** Absent where it is not said, or there is none to say. */
  readonly tenant?: string | null | undefined;
  /** Of an author that was forgotten: the same one has the same. */
  readonly pseudonym?: string;
}

/** ` in org_1`, behind somebody or something. */
export const tenantText = (tenant: string | null | undefined): string =>
  tenant === undefined ? '' : ` in ${tenant ?? 'no tenant'}`;

/** `alice via cli of https://…`, in one line whoever chose the names. */
export const whoText = (someone: Someone): string => oneLine(whoLine(someone));

function whoLine({ issuer, subject, clientId, tenant, pseudonym }: Someone): string {
  if (issuer === undefined) return '';
  const subjectText = subject === null ? (pseudonym ?? 'somebody forgotten') : subject;
  const who = subjectText === undefined ? `client ${clientId}` : subjectText;
  const via = subjectText === undefined || clientId == null ? '' : ` via ${clientId}`;
  return `${who}${via}${tenantText(tenant)} of ${issuer}`;
}

/** What a change was made to: `subject alice of https://…`, `role editor`, `id key_1, service nightly`. */
export const targetText = (target: Readonly<Record<string, unknown>>): string => oneLine(targetLine(target));

function targetLine(target: Readonly<Record<string, unknown>>): string {
  const { kind, issuer, subject, clientId, tokenId, sessionId, tenant, ...rest } = target;
  const within = tenantText(tenant as string | null | undefined);
  const name = subject === null ? 'somebody forgotten' : String(subject);
  switch (kind) {
    case 'token':
      return `token ${tokenId} of ${issuer}`;
    case 'subject':
      return `subject ${name}${within} of ${issuer}`;
    case 'client':
      return `client ${clientId}${within} of ${issuer}`;
    case 'grant':
      return `grant of ${name} to ${clientId === null ? 'no client' : clientId}${within}, of ${issuer}`;
    case 'tenant':
      return tenant === null ? `no tenant, of ${issuer}` : `tenant ${tenant} of ${issuer}`;
    case 'session':
      return `session ${sessionId}`;
    case 'issuer':
      return `issuer ${issuer}`;
    case 'everything':
      return 'everything';
  }
  const who = issuer === undefined ? [] : [whoLine(target as Someone)];
  const more = { ...(sessionId === undefined ? {} : { session: sessionId }), ...rest };
  const others = Object.entries(more).map(([key, value]) => `${key} ${valueText(value)}`);
  return [...others, ...who].join(', ');
}

const valueText = (value: unknown): string =>
  Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value);
