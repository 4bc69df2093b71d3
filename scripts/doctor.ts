// `npm run doctor`: finds out why clients cannot sign in, or tokens are refused, before anyone has to guess.
//
// Looks at the configuration, at each authorization server, at the deployed server and at a token, in this order, and says
// what is wrong, why it matters and what to do. Only reads; what it asks for is in doctor/.
// Does not sign in, and keeps nothing.

import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { runCommand, UsageError } from './command.ts';
import { ask } from './doctor/ask.ts';
import { examine } from './doctor/examine.ts';
import { reportOf, reportText } from './doctor/report.ts';

const HELP = `Looks for what is wrong with a set-up: configuration, authorization servers, deployed server, token.

Usage: npm run doctor [-- options]

  --url URL                      also look at the server that runs there; give the URL clients are given
  --token TEXT                   also look at an access token; - reads it from standard input, so that it does not
                                 get into the history of your shell. It is never printed
  --env NAME                     the environment of wrangler.toml
  --config PATH                  another wrangler.toml
  --resource URL                 instead of RESOURCE
  --authorization-servers JSON   instead of AUTHORIZATION_SERVERS: '[{"issuer":"https://..."}]'
  --json                         print { errors, warnings, findings: [{ id, level, what, why, fix }] }
  --help                         this text

.dev.vars counts when --url is on this machine, as with wrangler dev. When nothing says whom to trust, the server at
--url is asked. The first line printed names the first error; exit code 0 without errors, 1 with errors, 2 when called
wrongly. docs/doctor.md explains every finding.
`;

// Without --token before it, it would be repeated by the complaint about an argument too many.
process.argv = process.argv.map((argument, index, all) =>
  /^ey[\w-]+\./.test(argument) && all[index - 1] !== '--token' ? '[token]' : argument,
);

await runCommand({
  help: HELP,
  options: {
    url: { type: 'string' },
    token: { type: 'string' },
    env: { type: 'string' },
    config: { type: 'string', default: join(import.meta.dirname, '../wrangler.toml') },
    resource: { type: 'string' },
    'authorization-servers': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  async run({ url, token: given, env, config, resource, 'authorization-servers': servers, json }) {
    if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new UsageError(`--url must be an http or https URL, not ${JSON.stringify(url)}`);
    const authorizationServers = servers === undefined ? undefined : parseServers(servers);
    const token = given === undefined ? undefined : await readToken(given);
    const flags = { config, env, url, resource, authorizationServers };
    const report = reportOf(await examine(flags, token, ask), token);
    process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    return report.errors === 0;
  },
});

function parseServers(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new UsageError('--authorization-servers must be JSON: \'[{"issuer":"https://..."}]\'');
  }
}

/** As it is copied from a header or a file: with `Bearer` before it, or a line end after it. */
async function readToken(given: string): Promise<string> {
  const text = given === '-' ? await readText(process.stdin) : given;
  const token = text.trim().replace(/^bearer\s+/i, '');
  if (!/^[\x21-\x7E]+$/.test(token))
    throw new UsageError('--token must be one access token, or - to read it');
  return token;
}
