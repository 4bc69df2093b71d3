// What `npm run bench -- --help` prints.

import { WORKLOAD_NAMES } from './arguments.ts';
import { CONTENDERS } from './contenders.ts';

const names = CONTENDERS.map(({ name, title }) => `    ${name.padEnd(18)}${title}`).join('\n');

export const HELP = `Usage: npm run bench [-- options]

Runs this template's Worker in workerd beside others that do the same job, and compares what a request costs them in CPU.
Every answer is checked, and who lets a bad token in is not timed. See scripts/bench/README.md.

  --workload A,B   only these: ${WORKLOAD_NAMES.join(', ')}
  --only A,B       only these contenders, or groups of them: ours, floors, rivals. Without rivals nothing is installed
  --add FILE       also a Worker of your own (default export with fetch); it finds ISSUER, JWKS and RESOURCE in its env
  --against FOLDER also this template in another checkout (an older commit, with node_modules): before, and before-again as
                   the control, in call, list and session
  --quick          call, policy, list and session, in less than two minutes
  --rounds N       rounds per workload (default 7, with --quick 3)
  --check          no timing: only whether answers and refusals are right
  --profile        no timing: where this template's CPU goes, by file and by function
  --json           print one JSON object instead of tables
  --chart FILE     write an SVG as well
  --help           this text

Contenders:
${names}

Exit code 1 when a contender lets a bad token in or answers wrongly; never because something is slow.
`;
