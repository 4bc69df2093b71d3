// `npm run bench`: what this template costs beside others that do the same job, on this machine, now.
//
// Times of one run are to be compared with each other and with nothing else. Exit code 1 when a contender lets a bad
// token in or answers wrongly; never because something is slow.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { runCommand, UsageError } from '../command.ts';
import { OPTIONS, type Plan, planOf, WORKLOAD_NAMES } from './arguments.ts';
import { builtFor } from './builds.ts';
import { chartOf } from './chart.ts';
import { added, against, CONTENDERS, type Contender } from './contenders.ts';
import { HELP } from './help.ts';
import { type IdleResult, measureIdle } from './idle.ts';
import { startIssuer } from './issuer.ts';
import { startLoad } from './load.ts';
import { profile, profileText } from './profile.ts';
import {
  COST_NOTE,
  idleText,
  reportOf,
  startText,
  type WorkloadReport,
  workloadReport,
  workloadText,
} from './report.ts';
import { installRivals } from './rival-packages.ts';
import { type Bench, checkWorkload, measure } from './rounds.ts';
import { EMPTY, measureStart, type StartResult } from './start.ts';
import { type Workload, workloadsOf } from './workloads.ts';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** The chosen workloads, with the entrants that were chosen. */
function chosenWorkloads(plan: Plan, contenders: readonly Contender[]): readonly Workload[] {
  return workloadsOf(contenders)
    .filter(({ name }) => plan.workloads.includes(name))
    .map((workload) => ({
      ...workload,
      entrants: workload.entrants.filter(({ contender }) => plan.isChosen(contender)),
    }))
    .filter(({ entrants }) => entrants.length > 0)
    .sort((a, b) => WORKLOAD_NAMES.indexOf(a.name) - WORKLOAD_NAMES.indexOf(b.name));
}

/** @throws {UsageError} when there is no such checkout */
function checkoutAt(folder: string): readonly Contender[] {
  const contenders = against(folder);
  const missing = contenders.find(({ entry }) => !existsSync(entry));
  if (missing) throw new UsageError(`--against: there is no ${missing.entry}`);
  return contenders;
}

await runCommand({
  help: HELP,
  options: OPTIONS,
  async run(options) {
    // What is compared closest is measured in a row.
    const contenders = [
      ...(options.against === undefined ? [] : checkoutAt(resolve(options.against))),
      ...CONTENDERS,
      ...(options.add === undefined ? [] : [added(resolve(options.add))]),
    ];
    const plan = planOf(options, contenders);
    const workloads = chosenWorkloads(plan, contenders);
    const chosen = contenders.filter(plan.isChosen);
    if (chosen.some(({ group }) => group === 'rivals')) installRivals(tell);

    await using stack = new AsyncDisposableStack();
    const issuer = stack.use(await startIssuer());
    const bench: Bench = { issuer, load: stack.use(startLoad()), tell };

    if (options.profile) {
      for (const { name, entrants } of workloads) {
        const entrant = entrants.findLast(({ contender }) => contender.group === 'ours');
        if (!entrant) continue;
        tell(`${name}: profiling ${entrant.name}`);
        const found = await profile(entrant, bench.issuer, bench.load, 5_000);
        process.stdout.write(
          options.json ? `${JSON.stringify({ workload: name, ...found })}\n` : profileText(name, found),
        );
      }
      return true;
    }
    // Building takes longest: it goes on while the first are checked.
    for (const { entrants } of workloads) for (const entrant of entrants) void builtFor(entrant);

    if (options.check) {
      for (const workload of workloads) {
        await checkWorkload(workload, workload.entrants, bench);
        const names = workload.entrants.map(({ name }) => name).join(', ');
        process.stdout.write(`${workload.name}: right answers and refusals from ${names}\n`);
      }
      return true;
    }

    const print = (text: string): void => void (options.json || process.stdout.write(`${text}\n`));
    if (COST_NOTE !== '') tell(COST_NOTE);
    const reports: WorkloadReport[] = [];
    for (const workload of workloads) {
      const report = workloadReport(workload, await measure(workload, workload.entrants, plan.pace, bench));
      print(workloadText(report));
      reports.push(report);
    }
    const idle: IdleResult[] = [];
    if (plan.workloads.includes('idle')) {
      for (const contender of chosen.filter((one) => one.workloads.includes('idle'))) {
        const found = await measureIdle(contender, plan.idle, bench);
        if (found) idle.push(found);
      }
      print(idleText(idle));
    }
    let start: readonly StartResult[] = [];
    if (plan.workloads.includes('start')) {
      const compared = contenders.filter(
        (one) => one.name === EMPTY || (one.group !== 'before' && plan.isChosen(one)),
      );
      start = await measureStart(compared, plan.starts, bench);
    }
    const report = reportOf(reports, idle, start);
    if (start.length > 0) print(startText(start, report.startBars));
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    if (options.chart !== undefined) await writeFile(options.chart, chartOf(report));
    return true;
  },
});
