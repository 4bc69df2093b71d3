// The tables of PolicyRegistry. Migrations are appended and never changed: an object may wake up after a year with any
// older schema.

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
   CREATE TABLE revocation (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, issuer TEXT, subject TEXT, revoked_at INTEGER NOT NULL,
     created_at INTEGER NOT NULL, reason TEXT NOT NULL, operator TEXT NOT NULL, version INTEGER NOT NULL);
   CREATE INDEX revocation_version ON revocation (version);
   CREATE INDEX revocation_subject ON revocation (issuer, subject);
   CREATE INDEX revocation_at ON revocation (revoked_at);
   CREATE TABLE role (name TEXT PRIMARY KEY, definition TEXT NOT NULL, version INTEGER NOT NULL);
   CREATE TABLE shadow_edit (name TEXT PRIMARY KEY, definition TEXT, base_version INTEGER, version INTEGER NOT NULL);
   CREATE TABLE assignment (
     key TEXT NOT NULL, role TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT, client_id TEXT, created_at INTEGER NOT NULL,
     reason TEXT NOT NULL, operator TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (key, role));
   CREATE INDEX assignment_version ON assignment (version);
   CREATE INDEX assignment_subject ON assignment (issuer, subject);
   CREATE INDEX assignment_role ON assignment (role);
   CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
   CREATE TABLE gone (key TEXT PRIMARY KEY, version INTEGER NOT NULL);
   CREATE INDEX gone_version ON gone (version);
   CREATE TABLE service_key (
     id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, service TEXT NOT NULL, owner TEXT NOT NULL, scopes TEXT NOT NULL,
     roles TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER, last_used_at INTEGER);
   CREATE TABLE history (
     version INTEGER PRIMARY KEY, at INTEGER NOT NULL, action TEXT NOT NULL, operator TEXT NOT NULL, issuer TEXT, subject TEXT,
     target TEXT NOT NULL, reason TEXT NOT NULL, change TEXT NOT NULL);
   CREATE INDEX history_subject ON history (issuer, subject);
   CREATE TABLE answered (
     key TEXT NOT NULL, operator TEXT NOT NULL, fingerprint TEXT NOT NULL, version INTEGER NOT NULL, result TEXT NOT NULL,
     at INTEGER NOT NULL, PRIMARY KEY (operator, key));`,
  // As JSON, so that the tenant of tokens that name none is one; NULL is every tenant.
  `ALTER TABLE assignment ADD COLUMN tenant TEXT;
   CREATE INDEX assignment_tenant ON assignment (tenant) WHERE tenant IS NOT NULL;`,
  // Who made a key; of those from before it is not known. Whether an assignment to a client is of the client itself only;
  // those from before are of everybody who signs in with it.
  `ALTER TABLE service_key ADD COLUMN operator TEXT;
   ALTER TABLE assignment ADD COLUMN is_machine INTEGER NOT NULL DEFAULT 0;`,
];
