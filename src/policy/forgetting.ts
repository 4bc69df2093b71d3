// Takes somebody's name out of everything that the registry keeps. Runs inside the transaction of the change.
//
// Revocations stay in force: they are published as hashes. What somebody has done as an operator stays put together, under a
// random pseudonym that is made then and kept nowhere beside the name, so that whoever forgets herself does not take what
// she did out of the history as well.
// Does not reach what has left the registry: the log, Analytics Engine, a Queue.

import type { PolicyStore } from './policy-store.ts';

interface Named {
  readonly issuer: string;
  readonly subject: string;
}

const AUTHOR = `json_extract(operator, '$.issuer') = ? AND json_extract(operator, '$.subject') = ?`;

/** In every tenant. Gives how much there was. */
export function forgetSubject({ issuer, subject }: Named, version: number, store: PolicyStore) {
  const query = 'SELECT key, role FROM assignment WHERE issuer = ? AND subject = ?';
  const assigned = store.rows(query, issuer, subject);
  for (const { key, role } of assigned) store.deleteAssignment(String(key), String(role), version);
  const count = (query: string, ...bindings: string[]): number =>
    Number(store.one(`SELECT COUNT(*) AS count FROM ${query}`, ...bindings)?.count);
  const revocations = count('revocation WHERE issuer = ? AND subject = ?', issuer, subject);
  store.run(
    "UPDATE revocation SET target = json_set(target, '$.subject', NULL), subject = NULL, reason = '' WHERE issuer = ? AND subject = ?",
    issuer,
    subject,
  );
  const historyEntries = count(
    `history WHERE (issuer = ? AND subject = ?) OR (${AUTHOR})`,
    issuer,
    subject,
    issuer,
    subject,
  );
  store.run(
    "UPDATE history SET target = json_set(target, '$.subject', NULL), subject = NULL, reason = '' WHERE issuer = ? AND subject = ?",
    issuer,
    subject,
  );
  // Answers that are kept for a repeated request; it will be done anew.
  store.run(
    "DELETE FROM answered WHERE json_extract(operator, '$[0]') = ? AND json_extract(operator, '$[1]') = ?",
    issuer,
    subject,
  );
  for (const at of ['$', '$.target']) {
    store.run(
      `DELETE FROM answered WHERE json_extract(result, '${at}.issuer') = ? AND json_extract(result, '${at}.subject') = ?`,
      issuer,
      subject,
    );
  }
  return { assignments: assigned.length, historyEntries, revocations };
}

/** After the line of history about it, which may be the author's own. A machine's client is called what it is called. */
export function forgetAuthor({ issuer, subject }: Named, store: PolicyStore): void {
  const pseudonym = `forgotten-${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;
  for (const table of ['history', 'revocation', 'assignment', 'service_key'])
    store.run(
      `UPDATE ${table} SET operator = json_set(operator, '$.subject', NULL, '$.pseudonym', ?,
       '$.clientId', NULLIF(json_extract(operator, '$.clientId'), ?)) WHERE ${AUTHOR}`,
      pseudonym,
      subject,
      issuer,
      subject,
    );
}
