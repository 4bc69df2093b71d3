// ONE REQUEST to the operators' API: the same gate as the MCP endpoint, then the operation.
//
// Decided by the policy as the registry has it at that moment: an operator who was revoked is out at once, and while the
// registry cannot be reached nobody can change anything. Every request is a decision in the audit, with the operation.
// Pages of other origins get no CORS headers: this is for scripts.

import openapi from '../admin/openapi.json';
import { authorizeOperator } from '../admin/operator.ts';
import { methodsOf, operate, operationOf } from '../admin/routes.ts';
import type { Context } from '../context.ts';
import { isDenial } from '../denial.ts';
import { describeError, log } from '../log.ts';
import { json } from './answer.ts';
import { answered, identify, type Outcome, type Progress, readmit } from './mcp-endpoint.ts';

/** Of the description of this API, which anybody may read. */
const DOCUMENT_PATH = '/admin/openapi.json';

export async function adminEndpoint(request: Request, url: URL, context: Context): Promise<Response> {
  if (url.pathname === DOCUMENT_PATH && request.method === 'GET') return json(200, openapi);
  return answered(request, context, (progress) => decide(request, url, context, progress));
}

async function decide(request: Request, url: URL, context: Context, progress: Progress): Promise<Outcome> {
  const operation = await operationOf(request.method, url);
  progress.operation = operation?.name ?? 'unknown';
  const admitted = await identify(request, url, context, progress);
  if (isDenial(admitted)) return admitted;
  const operator = await readmit(admitted, context, progress);
  if (isDenial(operator)) return operator;
  const refused = authorizeOperator(operator, context.deployment.config);
  if (refused) return refused;

  if (!operation) {
    const methods = url.pathname === DOCUMENT_PATH ? ['GET'] : await methodsOf(url);
    return methods.length === 0
      ? json(404, { error: 'not_found', error_description: 'See /admin/openapi.json for what there is.' })
      : json(
          405,
          { error: 'method_not_allowed', error_description: `Here is only ${methods.join(', ')}.` },
          { allow: methods.join(', ') },
        );
  }
  try {
    const { status, body, headers } = await operate(operation, request, url, operator, context);
    return json(status, body, headers);
  } catch (error) {
    // The registry, a session's object or KV could not be reached. A change with an idempotency key can be repeated.
    log({ event: 'request_failed', requestId: context.requestId, error: describeError(error) });
    return json(
      503,
      {
        error: 'registry_unavailable',
        error_description:
          'It may or may not have been done: repeat the request with the same Idempotency-Key.',
      },
      { 'retry-after': '1' },
    );
  }
}
