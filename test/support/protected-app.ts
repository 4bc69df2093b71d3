// A server of the official SDK behind the gate: what a fork does that has one already. Its tools show what reaches it.

import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { type Behind, defineConfig, defineRoles, type Protected } from '../../src/kit.ts';

const config = defineConfig({
  serverInfo: { name: 'protected', version: '1' },
  scopesSupported: ['notes:read'],
  scopeImplications: { 'notes:write': ['notes:read'] },
});
const roles = defineRoles({
  reader: { permissions: ['notes:read'] },
  librarian: { inherits: ['reader'], permissions: ['notes:lend'] },
});

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });
/** What the server behind has been told to end, for the tests. */
const ended: string[] = [];

export const app = { config, roles };

export const behind: Behind = {
  scopes: ['notes:read'],
  permissions: ['notes:read'],
  async handle(request: Request, caller: Protected): Promise<Response> {
    switch (request.headers.get('x-test')) {
      case 'stream':
        return ticking(request);
      case 'download':
        return new Response(ticking(request).body, { headers: { 'content-type': 'application/json' } });
      case 'wait':
        return new Promise((resolve) => {
          const timer = setInterval(() => {}, 100);
          request.signal.addEventListener('abort', () => {
            ended.push('wait');
            clearInterval(timer);
            setTimeout(() => resolve(new Response('too late')), 60_000);
          });
        });
      case 'ended':
        return Response.json(ended);
      case 'challenge':
        return new Response('{}', {
          status: 403,
          headers: {
            'www-authenticate':
              'Bearer error="insufficient_scope", scope="notes:read notes:burn", resource_metadata="https://elsewhere.example"',
          },
        });
      case 'seen': {
        const { principal, authInfo, env } = caller;
        const headers = Object.fromEntries(request.headers);
        return Response.json({
          headers,
          body: await request.text(),
          env: Object.keys(env),
          principal,
          authInfo,
        });
      }
      default: {
        const sdk = createMcpHandler(() => {
          const mcp = new McpServer({ name: 'somebody-elses', version: '1' });
          mcp.registerTool('who', { description: 'Who is calling, as the SDK sees it.' }, ({ http }) =>
            text({ ...http?.authInfo, header: http?.req?.headers.get('authorization') }),
          );
          return mcp;
        });
        return sdk.fetch(request, { authInfo: caller.authInfo });
      }
    }
  },
};

/** Events until the end of time, whatever becomes of the request. */
function ticking(request: Request): Response {
  let timer: ReturnType<typeof setInterval>;
  request.signal.addEventListener('abort', () => ended.push('stream'));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const tick = () => controller.enqueue(new TextEncoder().encode('data: tick\n\n'));
      tick();
      timer = setInterval(tick, 200);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
