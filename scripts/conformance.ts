// `npm run conformance`: the official conformance suite against the kit, in both protocol eras.
//
// The suite's tools, resources and prompts are test/conformance/fixture, a Worker of its own, run in workerd with the
// bindings of wrangler.toml. The suite knows nothing of tokens: a proxy adds one that alice got by a real grant, and
// changes nothing else, so all that is tested passes the whole gate.
// Does not test clients or authorization servers, nor the tasks extension, which the kit does not implement.

import { type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unstable_startWorker } from 'wrangler';
import { startAuthorizationServer } from './authorization-server.ts';
import { runCommand, UsageError } from './command.ts';
import { authorizationCodeGrant } from './grants.ts';
import { freePort } from './local-stack.ts';

const ROOT = join(import.meta.dirname, '..');
const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance');
const FIXTURE = join(ROOT, 'test/conformance/fixture/worker.ts');

/** The requirement sets of the suite: those revisions that have one and are spoken here. */
const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
type Revision = (typeof REVISIONS)[number];

const HELP = `Usage: npm run conformance [-- options]

Runs the official MCP conformance suite (server scenarios of ${REVISIONS.join(' and ')}) against the kit.
Exit code 1 unless every scored scenario passes, and every other one that is supported passes without a warning.

  --scenario NAME  run only this scenario, in each revision that has it
  --json           print one JSON object instead: {"summary", "scenarios": [{"revision", "name", "kind", "isPassed", ...}]}
  --verbose        also print what the suite and the Worker write (to standard error with --json)
  --help           this text

The last line counts scenarios. "unscored" are those the suite runs and does not count, once per revision that runs
them: sessions, polling, JSON Schema, headers. Those of the tasks extension are listed as not supported and not counted.
`;

// ---- what the suite requires, and what it found ----

type Kind = 'scored' | 'unscored' | 'not supported';

interface Scenario {
  readonly revision: Revision;
  readonly name: string;
  readonly kind: Kind;
}

/** One check, as the suite writes it. */
interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

interface Finding extends Scenario {
  readonly isPassed: boolean;
  /** How many checks were successful, of those that were decided. */
  readonly successful: number;
  readonly decided: number;
  /** What failed, was warned of or left out, a line each. */
  readonly notes: readonly string[];
}

/** The server scenarios of a revision, in the suite's order. */
async function scenariosOf(revision: Revision): Promise<Scenario[]> {
  const text = await readFile(join(SUITE, `requirements/${revision}.yaml`), 'utf8');
  const [, list = ''] = /^server:\n((?: {2}- .+\n)+)/m.exec(text) ?? [];
  const scored = Array.from(list.matchAll(/- (\S+)/g), ([, name = '']) => name);
  const others = Array.from(text.matchAll(/- scenario: (\S+)\n +leg: server\n/g), ([, name = '']) => name);
  if (scored.length === 0 || others.length === 0)
    throw new Error(`the suite's requirements/${revision}.yaml is not written as it was`);
  const kindOf = (name: string): Kind => (name.startsWith('tasks-') ? 'not supported' : 'unscored');
  return [
    ...scored.map((name) => ({ revision, name, kind: 'scored' as const })),
    ...others.map((name) => ({ revision, name, kind: kindOf(name) })),
  ];
}

/** A scenario without a failed check passes; one that is not scored must not have a warning either. */
function judge(scenario: Scenario, checks: readonly Check[] | undefined): Finding {
  if (checks === undefined) {
    const notes = ['the suite could not run it; see --verbose'];
    return { ...scenario, isPassed: false, successful: 0, decided: 0, notes };
  }
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const [successful, failed, warned] = [count('SUCCESS'), count('FAILURE'), count('WARNING')];
  const notes = checks
    .filter(({ status }) => ['FAILURE', 'WARNING', 'SKIPPED'].includes(status))
    .map(({ status, id, errorMessage = 'no reason given' }) =>
      `${status} ${id}: ${errorMessage}`.replace(/\s+/g, ' '),
    );
  return {
    ...scenario,
    isPassed: failed === 0 && successful > 0 && (scenario.kind === 'scored' || warned === 0),
    successful,
    decided: successful + failed + warned,
    notes: successful === 0 && notes.length === 0 ? ['nothing was checked'] : notes,
  };
}

interface Run {
  readonly url: string;
  readonly revision: Revision;
  /** Only this one. */
  readonly scenario: string | undefined;
  readonly stdio: StdioOptions;
}

/** Runs the suite; gives the checks by scenario. A scenario that could not run has none. */
async function runSuite({ url, revision, scenario, stdio }: Run): Promise<Map<string, readonly Check[]>> {
  const results = await mkdtemp(join(tmpdir(), 'mcp-edge-conformance-'));
  try {
    const chosen =
      scenario === undefined
        ? ['--requirements', revision]
        : ['--scenario', scenario, '--spec-version', revision, '--force'];
    const args = [join(SUITE, 'dist/index.js'), 'server', '--url', url, '-o', results, ...chosen];
    const suite = spawn(process.execPath, args, { stdio });
    // Its exit code says less than its results: it is 1 as soon as one check failed.
    await once(suite, 'close');
    const checks = new Map<string, readonly Check[]>();
    for (const folder of await readdir(results)) {
      const [, name] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(folder) ?? [];
      const json = await readFile(join(results, folder, 'checks.json'), 'utf8').catch(() => undefined);
      if (name !== undefined && json !== undefined) checks.set(name, JSON.parse(json));
    }
    return checks;
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

// ---- what it is run against ----

interface Target extends AsyncDisposable {
  /** Where the suite finds the MCP endpoint; also what the tokens are for. */
  readonly url: string;
}

/** The authorization server, the fixture and the proxy in front of it. */
async function startTarget(log: (line: string) => void): Promise<Target> {
  // Miniflare asks the internet what request.cf would look like here; nothing of ours looks at it.
  process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= 'false';
  await using stack = new AsyncDisposableStack();
  const persist = await mkdtemp(join(tmpdir(), 'mcp-edge-conformance-'));
  stack.defer(() => rm(persist, { recursive: true, force: true }));

  const [port, workerPort] = [await freePort(), await freePort()];
  const url = `http://localhost:${port}/mcp`;
  const authorizationServer = await startAuthorizationServer({ port: 0, resources: [url] });
  stack.defer(() => authorizationServer.close());
  const { issuer } = authorizationServer;

  const worker = await unstable_startWorker({
    config: join(ROOT, 'wrangler.toml'),
    entrypoint: FIXTURE,
    bindings: {
      RESOURCE: { type: 'plain_text', value: url },
      REQUEST_STATE_SECRET: { type: 'plain_text', value: randomBytes(32).toString('base64url') },
      AUTHORIZATION_SERVERS: { type: 'json', value: [{ issuer }] },
    },
    dev: {
      server: { hostname: 'localhost', port: workerPort },
      inspector: false,
      watch: false,
      logLevel: 'error',
      persist,
      structuredLogsHandler: ({ message }: { message: string }) => log(message),
    },
  });
  stack.defer(() => worker.dispose());
  await worker.ready;

  const { access_token } = await authorizationCodeGrant({
    issuer,
    user: 'alice',
    scope: 'reports:read',
    resource: url,
  });
  stack.use(await startProxy(port, workerPort, access_token));
  const running = stack.move();
  return { url, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Passes everything on as it is, Host and Origin too, with a token. Whoever hangs up, the other side hears of it. */
async function startProxy(port: number, target: number, accessToken: string): Promise<AsyncDisposable> {
  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method, url: path, rawHeaders } = incoming;
    const upstream = request({
      host: 'localhost',
      port: target,
      method,
      path,
      headers: [...rawHeaders, 'Authorization', `Bearer ${accessToken}`],
    });
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    outgoing.flushHeaders();
    await pipeline(answer, outgoing);
  }
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  }).listen(port, 'localhost');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

// ---- what is printed ----

function table(revision: Revision, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, kind, isPassed, successful, decided, notes }) => {
    const verdict = kind === 'not supported' ? '-' : isPassed ? 'passed' : 'FAILED';
    const checks = kind === 'not supported' ? 'not supported' : `${successful}/${decided}`;
    const head = `${verdict.padEnd(8)}${name.padEnd(width)}  ${checks}${kind === 'unscored' ? '  not scored' : ''}`;
    return kind === 'not supported' ? [head] : [head, ...notes.map((note) => `          ${note}`)];
  });
  return `${revision}\n${lines.join('\n')}\n\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (title: string, isCounted: (finding: Finding) => boolean): string => {
    const counted = findings.filter(isCounted);
    return `${title} ${counted.filter(({ isPassed }) => isPassed).length}/${counted.length}`;
  };
  const scored = REVISIONS.map((revision) =>
    count(revision, (finding) => finding.kind === 'scored' && finding.revision === revision),
  );
  return `conformance: ${[...scored, count('unscored', ({ kind }) => kind === 'unscored')].join(', ')}`;
}

await runCommand({
  help: HELP,
  options: {
    scenario: { type: 'string' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
  async run({ scenario, json, verbose }) {
    const all = (await Promise.all(REVISIONS.map(scenariosOf))).flat();
    const wanted = all.filter(({ name }) => scenario === undefined || name === scenario);
    if (wanted.length === 0) throw new UsageError(`--scenario: there is no server scenario ${scenario}`);

    const talk = json ? process.stderr : process.stdout;
    const stdio: StdioOptions = verbose ? ['ignore', json ? 2 : 1, 2] : 'ignore';
    const findings: Finding[] = [];
    await using target = await startTarget((line) => verbose && talk.write(`    ${line}\n`));
    for (const revision of REVISIONS) {
      const ofRevision = wanted.filter((one) => one.revision === revision);
      if (ofRevision.length === 0) continue;
      const checks = await runSuite({ url: target.url, revision, scenario, stdio });
      const found = ofRevision.map((one) => judge(one, checks.get(one.name)));
      findings.push(...found);
      if (!json) process.stdout.write(table(revision, found));
    }
    const line = summary(findings);
    process.stdout.write(json ? `${JSON.stringify({ summary: line, scenarios: findings })}\n` : `${line}\n`);
    return findings.every(({ kind, isPassed }) => isPassed || kind === 'not supported');
  },
});
