// `npm start`: everything needed to try this server with a real client, on localhost, until Ctrl-C.

import { runCommand, wholeNumber } from './command.ts';
import { type LocalStack, startLocalStack } from './local-stack.ts';

const HELP = `Usage: npm start [-- options]

Starts a real authorization server and the Worker (workerd, with hot reload) on localhost. Ctrl-C ends both.

  --port N                        port of the Worker (PORT, default 8787)
  --authorization-server-port N   port of the authorization server (AUTHORIZATION_SERVER_PORT, default 9000)
  --json                          print one JSON line { mcp, authorizationServer, pid } when ready, and nothing else
  --help                          this text
`;

/** A decision as a short line; anything else as it is. */
function readable(line: string): string {
  try {
    const { event, decision, outcome, reason, detail, method, tool, subject, clientId, status } =
      JSON.parse(line);
    if (event !== 'decision' && event !== 'call_ended') return line;
    const what = [method, tool].filter(Boolean).join(' ');
    const who = [subject, clientId && `via ${clientId}`].filter(Boolean).join(' ');
    const why = [reason, detail].filter(Boolean).join(': ');
    return `  ${decision.padEnd(5)} ${status}  ${[what, outcome, who, why].filter(Boolean).join(' · ')}`;
  } catch {
    return line;
  }
}

const connectText = ({ mcp, issuer }: LocalStack): string => `
authorization server  ${issuer}
  people    alice (editor), bob (reader), carol (operator), dave (finance, reader): sign in with one click
  machines  ci-bot (reader), ops-bot (operator), see npm run token -- --help

connect
  Claude Code   claude mcp add --transport http reports ${mcp}
  VS Code       code --add-mcp '{"name":"reports","type":"http","url":"${mcp}"}'
  Cursor        ~/.cursor/mcp.json  {"mcpServers":{"reports":{"url":"${mcp}"}}}
  Inspector     npx @modelcontextprotocol/inspector  (transport Streamable HTTP, URL ${mcp})
  curl          curl -i ${mcp}

ready  ${mcp}
`;

await runCommand({
  help: HELP,
  options: {
    port: { type: 'string', default: process.env.PORT || '8787' },
    'authorization-server-port': { type: 'string', default: process.env.AUTHORIZATION_SERVER_PORT || '9000' },
    json: { type: 'boolean', default: false },
  },
  async run({ json, port, 'authorization-server-port': authorizationServerPort }) {
    const stack = await startLocalStack({
      watch: true,
      port: wholeNumber('port', port, 1, 65_535),
      authorizationServerPort: wholeNumber('authorization-server-port', authorizationServerPort, 1, 65_535),
      log: json ? () => {} : (line) => process.stdout.write(`${readable(line)}\n`),
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        void stack.close().finally(() => process.exit(0));
      });
    }
    const ready = { mcp: stack.mcp, authorizationServer: stack.issuer, pid: process.pid };
    process.stdout.write(json ? `${JSON.stringify(ready)}\n` : connectText(stack));
    return true;
  },
});
