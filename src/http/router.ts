// Every route, and the one catch.
//
// A misconfigured Worker answers everything with a 500 that says nothing, and its log says exactly what to put right.
// itty-router's AutoRouter and error() are not used: they send an exception's own properties to the client.

import { Router } from 'itty-router';
import { MIRROR_PATH } from '../auth/resource-metadata.ts';
import { type Config, ConfigError } from '../config.ts';
import { type App, type Context, createContext, type Deployment, deploymentOf } from '../context.ts';
import { describeError, log } from '../log.ts';
import { adminEndpoint } from './admin-endpoint.ts';
import { json } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { checkOrigin, preflight, sendableHeaders } from './origin.ts';

type Handle = (request: Request, context: Context) => Promise<Response>;

/** What answers at the path of RESOURCE. */
export type Endpoint = (request: Request, url: Readonly<URL>, context: Context) => Promise<Response>;

/**
 * The Worker's `fetch`. `endpoint` answers at RESOURCE. The configuration is checked with the first request of an isolate:
 * only then are there variables; and then the log gets `warnings` of what makes a deployment unsafe.
 */
export function serve(
  app: App,
  endpoint: Endpoint,
  warnings: readonly string[] = [],
): ExportedHandlerFetchHandler<Env> {
  let deployed: { readonly deployment: Deployment; readonly handle: Handle } | ConfigError | undefined;

  return async (request, env, execution) => {
    let requestId = '';
    try {
      if (!deployed && warnings.length > 0) log({ event: 'config_unsafe', problems: warnings });
      deployed ??= deploy(app, endpoint, env);
      if (deployed instanceof ConfigError) {
        log({ event: 'config_invalid', problems: deployed.problems });
        return internalError();
      }
      const context = createContext(deployed.deployment, request, env, execution);
      requestId = context.requestId;
      return await deployed.handle(request, context);
    } catch (error) {
      log({ event: 'request_failed', requestId, error: describeError(error) });
      return internalError();
    }
  };
}

function deploy(
  app: App,
  endpoint: Endpoint,
  env: Env,
): { readonly deployment: Deployment; readonly handle: Handle } | ConfigError {
  try {
    const deployment = deploymentOf(app, env);
    return { deployment, handle: createHandler(deployment, endpoint) };
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const internalError = (): Response =>
  json(500, { error: 'server_error', error_description: 'The server could not handle the request' });

/** What is routed by: never the query, which itty-router would take apart in time that grows with its square. */
interface Routed {
  readonly method: string;
  readonly url: string;
  readonly request: Request;
  readonly parsed: URL;
}

function createHandler(deployment: Deployment, endpoint: Endpoint): Handle {
  const { config, catalogue, resourceUrl, metadata, readMirror } = deployment;
  const { pathname: endpointPath, href: here } = resourceUrl;
  const sendable = sendableHeaders(config, catalogue.tools);
  const router = Router<Routed, [Context]>();

  const publish = (path: string, read: (context: Context) => Response | Promise<Response>): void => {
    router
      .options(path, () => preflight('GET, HEAD, OPTIONS', sendable))
      .get(path, (_, context) => read(context))
      .head(path, (_, context) => read(context))
      .all(path, () => json(405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD, OPTIONS' }));
  };
  for (const path of metadata.paths) publish(path, () => metadataResponse(metadata.document));
  if (readMirror) publish(MIRROR_PATH, async (context) => mirrorResponse(await readMirror(context), config));
  router
    .options(endpointPath, ({ request, parsed }) => {
      const origin = request.headers.get('origin');
      const forbidden = checkOrigin(origin, parsed, config);
      if (forbidden) return denialResponse(forbidden, deployment);
      return preflight('POST, GET, DELETE, OPTIONS', sendable, origin);
    })
    .all(endpointPath, ({ request, parsed }, context) => endpoint(request, parsed, context))
    .all('/admin/*', ({ request, parsed }, context) => adminEndpoint(request, parsed, context))
    .all('*', () =>
      json(404, { error: 'not_found', error_description: `The MCP endpoint is ${config.resource}` }),
    );

  return (request, context) => {
    // Nearly every request: it is where it should be, byte for byte, so there is nothing to take apart and to look up.
    if (request.url === here && request.method !== 'OPTIONS') return endpoint(request, resourceUrl, context);
    const parsed = new URL(request.url);
    return router.fetch(
      { method: request.method, url: parsed.origin + parsed.pathname, request, parsed },
      context,
    );
  };
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

/** What cannot be had is no 404: a client would take that for a server without sign-in. */
function mirrorResponse(document: string | undefined, { jwksCooldownSeconds }: Config): Response {
  if (document !== undefined) return metadataResponse(document);
  const headers = { 'retry-after': String(jwksCooldownSeconds), 'access-control-allow-origin': '*' };
  return json(503, { error: 'temporarily_unavailable' }, headers);
}
