// What wrangler.toml binds: the storage the kit needs, the migrations that create it, the host that leads to the Worker.
//
// Whether it exists at Cloudflare is not known here; `wrangler deploy` creates what has no id.

import { error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Bindings } from './wrangler-file.ts';

/** The Durable Objects of src/worker.ts. */
const OBJECTS: Readonly<Record<string, string>> = {
  CLIENT_SESSION: 'ClientSession',
  NOTIFICATION_HUB: 'NotificationHub',
  POLICY_REGISTRY: 'PolicyRegistry',
  DECISION_LOG: 'DecisionLog',
};

export function checkBindings(bindings: Bindings, resource: string | undefined): Finding[] {
  const findings = [
    ...namespaces(bindings),
    ...objects(bindings),
    ...migrations(bindings),
    ...flags(bindings),
    ...(resource === undefined ? [] : hosts(bindings, resource)),
  ];
  const isFine = findings.every(({ level }) => level !== 'error');
  return isFine
    ? [...findings, ok('bindings', 'KV, Durable Objects and their migrations are bound')]
    : findings;
}

function namespaces({ kv }: Bindings): Finding[] {
  if (!kv.some(({ binding }) => binding === 'KIT_KV')) {
    return [
      error(
        'bindings.kv',
        'wrangler.toml binds no KV namespace as KIT_KV',
        "The issuers' keys and the policy are kept in it; without it the Worker answers every request with 500.",
        'Add: [[kv_namespaces]], binding = "KIT_KV". Without an id, `wrangler deploy` creates the namespace.',
      ),
    ];
  }
  return kv
    .filter(({ id }) => id !== undefined && !/^[\da-f]{32}$/i.test(id))
    .map(({ binding, id }) =>
      error(
        'bindings.kv-id',
        `the id of the KV namespace ${binding} is no id: ${shown(id)}`,
        '`wrangler deploy` refuses it, or the Worker has another namespace than you think.',
        'Leave the id out to have the namespace created, or take it from `wrangler kv namespace list`: 32 hexadecimal digits.',
      ),
    );
}

function objects({ objects: bound }: Bindings): Finding[] {
  return Object.entries(OBJECTS).flatMap(([name, className]) => {
    const binding = bound.find((candidate) => candidate.name === name);
    if (binding?.class_name === className) return [];
    return error(
      'bindings.object',
      binding
        ? `the Durable Object ${name} is of the class ${shown(binding.class_name)} instead of ${className}`
        : `wrangler.toml binds no Durable Object as ${name}`,
      'Sessions, roles and revocations live in Durable Objects; the Worker fails where it needs this one.',
      `Add: [[durable_objects.bindings]], name = "${name}", class_name = "${className}".`,
    );
  });
}

function migrations({ objects: bound, migrations: steps }: Bindings): Finding[] {
  const sqlite = new Set<string>();
  const other = new Set<string>();
  for (const step of steps) {
    for (const name of step.new_sqlite_classes ?? []) sqlite.add(name);
    for (const name of step.new_classes ?? []) other.add(name);
    for (const { from, to } of step.renamed_classes ?? []) if (sqlite.delete(from)) sqlite.add(to);
    for (const name of step.deleted_classes ?? []) sqlite.delete(name);
  }
  return bound
    .filter(({ name, class_name, script_name }) => !script_name && OBJECTS[name] === class_name)
    .filter(({ class_name }) => !sqlite.has(class_name))
    .map(({ class_name }) =>
      error(
        'bindings.migration',
        other.has(class_name)
          ? `a migration creates the Durable Object ${class_name} in new_classes, without SQLite`
          : `no migration creates the Durable Object ${class_name}`,
        '`wrangler deploy` refuses it, or the object cannot keep anything: it uses SQL.',
        `Add a new [[migrations]] with a new tag and new_sqlite_classes = ["${class_name}"]. Never change one that was deployed.`,
      ),
    );
}

function flags({ flags: set, isLogged }: Bindings): Finding[] {
  const findings: Finding[] = [];
  if (!set.includes('enable_request_signal'))
    findings.push(
      warning(
        'bindings.signal',
        'compatibility_flags lacks enable_request_signal',
        'A client cancels a request by closing its stream; without the flag the tool is not told.',
        'Add "enable_request_signal" to compatibility_flags.',
      ),
    );
  if (!set.includes('disallow_importable_env'))
    findings.push(
      error(
        'bindings.importable-env',
        'compatibility_flags lacks disallow_importable_env',
        "Tools get the bindings without the kit's own; without the flag their code can import all of them, and so give its caller any role.",
        'Add "disallow_importable_env" to compatibility_flags.',
      ),
    );
  if (!isLogged)
    findings.push(
      warning(
        'bindings.log',
        'observability is not enabled',
        'Why a request was refused stands in the log only, and without it the log is gone when nobody watches `wrangler tail`.',
        'Add: [observability], enabled = true.',
      ),
    );
  return findings;
}

/** Whether the host of RESOURCE leads to this Worker, as far as the file says. */
function hosts({ name, routes }: Bindings, resource: string): Finding[] {
  const { hostname } = new URL(resource);
  const isWorkersDev = hostname.endsWith('.workers.dev');
  if (isWorkersDev && name !== undefined && hostname.split('.')[0] !== name) {
    return [
      error(
        'bindings.route',
        `RESOURCE is on ${hostname}, but the Worker is called ${shown(name)}`,
        'On workers.dev the first part of the host is the name of the Worker: requests to RESOURCE go elsewhere.',
        `Set RESOURCE to https://${name}.<your subdomain>.workers.dev/..., or name = "${hostname.split('.')[0]}".`,
      ),
    ];
  }
  const patterns = routes.map((route) => route.replace(/^https?:\/\//, '').split('/')[0] ?? '');
  const fits = (pattern: string): boolean =>
    pattern === hostname || (pattern.startsWith('*') && hostname.endsWith(pattern.slice(1)));
  if (isWorkersDev || patterns.length === 0 || patterns.some(fits)) return [];
  return [
    error(
      'bindings.route',
      `RESOURCE is on ${hostname}, but the routes of wrangler.toml are for ${listed(patterns.map(shown))}`,
      'Requests to RESOURCE do not reach the Worker, and on another host it refuses them with 403.',
      `Add { pattern = "${hostname}", custom_domain = true } to routes, or put RESOURCE right.`,
    ),
  ];
}
