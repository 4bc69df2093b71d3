// From starting a process to the first correct answer: how much later than an empty Worker's that is.
//
// workerd is started by itself, with a configuration as small as can be, because miniflare's own start-up takes longer
// than what is measured. KV is a server in this process, and what it and Durable Objects are given is
// still there at the next start, as between two isolates. The first start of each, when all is empty, does not count.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Build } from './build.ts';
import { Connection } from './connection.ts';
import type { Contender } from './contenders.ts';
import { faultOf, type Step, wire } from './exchange.ts';
import { type Issuer, RESOURCE } from './issuer.ts';
import { Unfit } from './refusals.ts';
import { variablesOf } from './running.ts';

export interface Starter {
  readonly name: string;
  readonly contender: Pick<Contender, 'kv' | 'objects' | 'compatibilityFlags'>;
  readonly build: Build;
  /** What is asked as soon as it listens. */
  readonly step: Step;
}

/** Milliseconds of every start, by name: each in turn, as often as told. */
export async function coldStarts(
  starters: readonly Starter[],
  times: number,
  issuer: Issuer,
  tell: (line: string) => void,
): Promise<ReadonlyMap<string, readonly number[]>> {
  await using stack = new AsyncDisposableStack();
  const kv = stack.use(await startKv());
  const ready = [];
  for (const starter of starters) {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-edge-bench-start-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'worker.js'), starter.build.code);
    const config = join(folder, 'config.capnp');
    await writeFile(config, configOf(starter, issuer, kv.address, folder));
    ready.push({ starter, config });
  }
  const found = new Map(starters.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= times; round += 1) {
    tell(round === 0 ? 'cold start: filling KV' : `cold start: ${round} of ${times}`);
    for (const { starter, config } of ready) {
      const took = await startOnce(starter, config);
      if (round > 0) found.get(starter.name)?.push(took);
    }
  }
  return found;
}

/** The runtime that miniflare brings. */
function workerd(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('miniflare'));
  return (require('workerd') as { default: string }).default;
}

async function startOnce({ name, step }: Starter, config: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(workerd(), ['serve', config, '--control-fd=3', '--experimental'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, TZ: 'UTC' },
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(child, 'exit');
  try {
    const port = await Promise.race([portOf(child.stdio[3] as Readable), ended.then(() => undefined)]);
    if (port === undefined) throw new Error(`workerd does not start ${name}: ${said}`);
    const connection = await Connection.open(port);
    const { host, pathname } = new URL(RESOURCE);
    const answer = await connection.send(wire(pathname, host, step, undefined));
    const took = performance.now() - startedAt;
    connection.close();
    const fault = faultOf(answer, step.expect);
    if (fault !== undefined) throw new Unfit(`${name} answers its first request wrongly: ${fault}\n${said}`);
    return took;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** workerd tells on a pipe where it listens. */
async function portOf(control: Readable): Promise<number | undefined> {
  let text = '';
  for await (const chunk of control) {
    text += chunk;
    const port = /"event":"listen".*?"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}

/** workerd's own configuration language (workerd.capnp). `cloudflare:email` wants a part that workerd does not bring. */
function configOf({ contender, build }: Starter, issuer: Issuer, kvAddress: string, folder: string): string {
  const quoted = (value: string): string => JSON.stringify(value);
  const { json, text } = variablesOf(issuer);
  const bindings = [
    ...Object.entries(text).map(([name, value]) => `(name = "${name}", text = ${quoted(value)})`),
    ...Object.entries(json).map(
      ([name, value]) => `(name = "${name}", json = ${quoted(JSON.stringify(value))})`,
    ),
    ...contender.kv.map((name) => `(name = "${name}", kvNamespace = "kv")`),
    ...Object.entries(contender.objects).map(
      ([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`,
    ),
  ];
  const objects = Object.values(contender.objects).map(
    (className) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = "${folder}", writable = true)),
    (name = "kv", external = (address = "${kvAddress}", http = ())),
  ],
  extensions = [(modules = [(name = "cloudflare-internal:email", internal = true, esModule = "export default { EmailMessage: class {} };")])],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${build.compatibilityDate}",
  compatibilityFlags = [${contender.compatibilityFlags.map(quoted).join(', ')}],
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${objects.join(', ')}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}

/** KV as workerd speaks it: a key is a path. */
async function startKv(): Promise<AsyncDisposable & { readonly address: string }> {
  const values = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const [key = ''] = (request.url ?? '').split('?');
    if (request.method === 'PUT') {
      values.set(key, await buffer(request));
      response.end();
      return;
    }
    const value = values.get(key);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
