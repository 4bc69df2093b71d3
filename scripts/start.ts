// `npm start`: everything needed to try this server with a real client, on localhost, until Ctrl-C.

import { parseArgs } from 'node:util';
import { type LocalStack, startLocalStack } from './local-stack.ts';

const HELP = `Usage: npm start [-- options]

Starts a real authorization server and the Worker (workerd, with hot reload) on localhost. Ctrl-C ends both.

  --port N                        port of the Worker (PORT, default 8787)
  --authorization-server-port N   port of the authorization server (AUTHORIZATION_SERVER_PORT, default 9000)
  --json                          print one JSON line { mcp, authorizationServer, pid } when ready, and nothing else
  --help                          this text
`;

function options(): { port: number; authorizationServerPort: number; json: boolean } {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env.PORT ?? '8787' },
      'authorization-server-port': {
        type: 'string',
        default: process.env.AUTHORIZATION_SERVER_PORT ?? '9000',
      },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const port = portOf('--port', values.port);
  const authorizationServerPort = portOf('--authorization-server-port', values['authorization-server-port']);
  if (port === authorizationServerPort)
    throw new Error(`--port and --authorization-server-port are both ${port}`);
  return { port, authorizationServerPort, json: values.json };
}

function portOf(flag: string, value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${flag} must be a port number, not "${value}"`);
  return port;
}

/** A decision as a short line; anything else as it is. */
function readable(line: string): string {
  try {
    const { event, decision, reason, detail, method, tool, subject, clientId, status } = JSON.parse(line);
    if (event !== 'decision') return line;
    const what = [method, tool].filter(Boolean).join(' ');
    const who = [subject, clientId && `via ${clientId}`].filter(Boolean).join(' ');
    const why = [reason, detail].filter(Boolean).join(': ');
    return `  ${decision.padEnd(5)} ${status}  ${[what, who, why].filter(Boolean).join(' · ')}`;
  } catch {
    return line;
  }
}

const connectText = ({ mcp, issuer }: LocalStack): string => `
authorization server  ${issuer}
  people    alice (editor), bob (reader), carol (operator), dave (finance, reader): sign in with one click
  machine   ci-bot, see npm run token -- --help

connect
  Claude Code   claude mcp add --transport http reports ${mcp}
  VS Code       code --add-mcp '{"name":"reports","type":"http","url":"${mcp}"}'
  Cursor        ~/.cursor/mcp.json  {"mcpServers":{"reports":{"url":"${mcp}"}}}
  Inspector     npx @modelcontextprotocol/inspector  (transport Streamable HTTP, URL ${mcp})
  curl          curl -i ${mcp}

ready  ${mcp}
`;

async function main(): Promise<void> {
  const { json, ...ports } = options();
  const log = json ? () => {} : (line: string) => process.stdout.write(`${readable(line)}\n`);
  const stack = await startLocalStack({ ...ports, log });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void stack.close().finally(() => process.exit(0));
    });
  }
  const ready = { mcp: stack.mcp, authorizationServer: stack.issuer, pid: process.pid };
  process.stdout.write(json ? `${JSON.stringify(ready)}\n` : connectText(stack));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
