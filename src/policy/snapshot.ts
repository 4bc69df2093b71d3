// The published snapshot of the policy: its format, and how it becomes the Policy that requests are decided by.
//
// KV has one small JSON value, the head, and two tables (table.ts) that the head names. The head says what changed since
// the tables were made, so that a revocation does not make every isolate read millions of old ones again. A table never
// changes under its name. Everything of one version comes into force together.
// What must stay true: a head that is malformed, or whose tables cannot be read, is not adopted (policies.ts).
// Whoever can write to the KV namespace can give rights and lift revocations.

import type { ServiceKeyRecord } from '../auth/service-key.ts';
import { isRecord } from '../shapes.ts';
import type { RightsPolicy } from './authorize.ts';
import type { Key, KeyKind, PrincipalKind } from './keys.ts';
import { type RoleDefinitions, type Roles, resolveRoles } from './roles.ts';
import type { Table } from './table.ts';

export const HEAD_KEY = 'policy:head';
export const FORMAT = 1;

const ASSIGNED = ['subject', 'client', 'machine'] as const;
const ASSIGNED_IN_TENANTS = ['tenant_subject', 'tenant_client', 'tenant_machine'] as const;

export interface Head {
  readonly format: typeof FORMAT;
  /** Grows with every change. */
  readonly version: number;
  /** Absent while nobody has edited roles: then those of the app are in force. */
  readonly roles?: RoleDefinitions;
  /** What the roles would be after a change that is on trial. */
  readonly shadowRoles?: RoleDefinitions;
  readonly revocations: {
    /** KV key of the table; absent while there is none. */
    readonly table?: string;
    /** Id -> revokedAt, of what changed since; 0: not revoked any more. */
    readonly recent: Readonly<Record<string, number>>;
    /** What kinds there are, so that nothing is looked for in vain. */
    readonly kinds: readonly KeyKind[];
  };
  readonly assignments: {
    readonly table?: string;
    /** Key -> all roles assigned, of what changed since. */
    readonly recent: Readonly<Record<string, readonly string[]>>;
    /** Whether some count within one tenant only, so that nothing is looked for in vain. */
    readonly inTenants?: boolean;
  };
  /** Hash of a service key -> what it stands for. */
  readonly serviceKeys: Readonly<Record<string, ServiceKeyRecord>>;
}

/** What comes from the app and its configuration. */
export interface PolicyBase extends Omit<RightsPolicy, 'roles'> {
  /** In force as long as the head has none. */
  readonly roles: Roles;
  readonly clockToleranceSeconds: number;
}

/** The rules that one request is decided by, all of one version. */
export interface Policy extends RightsPolicy {
  readonly version: number;
  readonly rolesFrom: 'app' | 'registry';
  /** Roles on trial: what they would refuse is logged. */
  readonly shadow: Roles | undefined;
  /** By the hash of the key. */
  readonly serviceKeys: ReadonlyMap<string, ServiceKeyRecord>;
  readonly serviceKeyIds: ReadonlySet<string>;
  readonly clockToleranceSeconds: number;
  readonly revokedKinds: ReadonlySet<KeyKind>;
  /** What roles are assigned to. */
  readonly assignedKinds: readonly PrincipalKind[];
  /** Tokens issued at or before this are revoked; 0 when none are. */
  revokedAt(key: Key): number;
  assignedRoles(key: Key): readonly string[];
}

export interface Tables {
  readonly revocations: Table | undefined;
  readonly assignments: Table | undefined;
}

/** Untrusted JSON -> head. @throws {Error} naming the member that is wrong */
export function parseHead(value: unknown): Head {
  const wrong = (what: string): never => {
    throw new Error(`the policy snapshot has no usable ${what}`);
  };
  if (!isRecord(value) || value.format !== FORMAT) return wrong('format');
  if (!isCount(value.version)) return wrong('version');
  const { roles, shadowRoles, revocations, assignments, serviceKeys } = value;
  if (roles !== undefined && !isEach(roles, isRole)) return wrong('roles');
  if (shadowRoles !== undefined && !isEach(shadowRoles, isRole)) return wrong('shadowRoles');
  if (!isPart(revocations, isCount) || !isTextList(revocations.kinds)) return wrong('revocations');
  if (!isPart(assignments, isTextList)) return wrong('assignments');
  if (!isEach(serviceKeys, isServiceKey)) return wrong('serviceKeys');
  return value as unknown as Head;
}

/** @throws {Error} when the roles of the head are not sound */
export function createPolicy(head: Head, { revocations, assignments }: Tables, base: PolicyBase): Policy {
  const recentRevocations = new Map(Object.entries(head.revocations.recent));
  const recentAssignments = new Map(Object.entries(head.assignments.recent));
  const roleSets = assignments ? (JSON.parse(assignments.notes) as readonly (readonly string[])[]) : [];
  return {
    version: head.version,
    roles: head.roles ? resolveRoles(head.roles) : base.roles,
    rolesFrom: head.roles ? 'registry' : 'app',
    shadow: head.shadowRoles && onTrial(head.shadowRoles),
    defaultRoles: base.defaultRoles,
    scopeImplications: base.scopeImplications,
    serviceKeys: new Map(Object.entries(head.serviceKeys)),
    serviceKeyIds: new Set(Object.values(head.serviceKeys).map(({ id }) => id)),
    clockToleranceSeconds: base.clockToleranceSeconds,
    revokedKinds: new Set(head.revocations.kinds),
    assignedKinds: [
      ...(assignments || recentAssignments.size > 0 ? ASSIGNED : []),
      ...(head.assignments.inTenants ? ASSIGNED_IN_TENANTS : []),
    ],
    revokedAt(key) {
      const recent = recentRevocations.get(key.id);
      return recent ?? Math.max(0, revocations?.find(key.words) ?? 0);
    },
    assignedRoles(key) {
      const recent = recentAssignments.get(key.hex);
      return recent ?? roleSets[assignments?.find(key.words) ?? -1] ?? [];
    },
  };
}

/** A trial that is not sound is no trial: it must not keep a policy from being adopted. */
function onTrial(roles: RoleDefinitions): Roles | undefined {
  try {
    return resolveRoles(roles);
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isEach = (value: unknown, isMember: (member: unknown) => boolean): boolean =>
  isRecord(value) && Object.values(value).every(isMember);

const isPart = (value: unknown, isRecent: (member: unknown) => boolean): value is Record<string, unknown> =>
  isRecord(value) && (value.table === undefined || isText(value.table)) && isEach(value.recent, isRecent);

const isRole = (value: unknown): boolean =>
  isRecord(value) &&
  [value.permissions, value.inherits].every((list) => list === undefined || isTextList(list));

const isServiceKey = (value: unknown): boolean =>
  isRecord(value) &&
  [value.id, value.service].every(isText) &&
  [value.scopes, value.roles].every(isTextList) &&
  [value.createdAt, value.expiresAt].every(isCount);
