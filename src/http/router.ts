// Every route, and the one catch.
//
// A misconfigured Worker answers everything with a 500 that says nothing, and its log says exactly what to put right.
// itty-router's AutoRouter and error() are not used: they send an exception's own properties to the client.

import { type IRequest, Router } from 'itty-router';
import { ConfigError } from '../config.ts';
import { type App, type Context, createContext, createDeployment, type Deployment } from '../context.ts';
import { describeError, log } from '../log.ts';
import { json } from './answer.ts';
import { mcpEndpoint } from './mcp-endpoint.ts';
import { checkOrigin, preflight } from './origin.ts';

type Handle = (request: Request, context: Context) => Promise<Response>;

/** The Worker's `fetch`. The configuration is checked with the first request of an isolate: only then are there variables. */
export function serve(app: App): ExportedHandlerFetchHandler<Env> {
  let deployment: Deployment | ConfigError | undefined;
  let handle: Handle | undefined;

  return async (request, env, execution) => {
    if (deployment === undefined) deployment = deploy(app, env);
    if (deployment instanceof ConfigError) {
      log({ event: 'config_invalid', problems: deployment.problems });
      return internalError();
    }
    handle ??= createHandler(deployment);
    const context = createContext(deployment, request, env, execution);
    try {
      return await handle(request, context);
    } catch (error) {
      log({ event: 'request_failed', requestId: context.requestId, error: describeError(error) });
      return internalError();
    }
  };
}

function deploy(app: App, env: Env): Deployment | ConfigError {
  try {
    return createDeployment(app, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const internalError = (): Response =>
  json(500, { error: 'server_error', error_description: 'The server could not handle the request' });

function createHandler({ config, endpointPath, metadata }: Deployment): Handle {
  const router = Router<IRequest, [Context]>();

  for (const path of metadata.paths) {
    router
      .options(path, (request) => preflight(request, 'GET, HEAD, OPTIONS', '*'))
      .get(path, () => metadataResponse(metadata.document))
      .head(path, () => metadataResponse(metadata.document))
      .all(path, () => json(405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD, OPTIONS' }));
  }
  router
    .options(endpointPath, (request) => {
      if (checkOrigin(request, new URL(request.url), config)) return json(403, { error: 'forbidden' });
      return preflight(request, 'POST, OPTIONS', request.headers.get('origin') ?? '*');
    })
    .all(endpointPath, (request, context) => mcpEndpoint(request, new URL(request.url), context))
    .all('*', () =>
      json(404, { error: 'not_found', error_description: `The MCP endpoint is ${config.resource}` }),
    );

  return (request, context) => router.fetch(request, context);
}

/** Public, the same for everyone, and readable by any page. A HEAD has the headers only; the runtime drops the body. */
function metadataResponse(document: string): Response {
  return new Response(document, {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
    },
  });
}
