// ONE REQUEST to the operators' API: the same gate as the MCP endpoint, then the operation.
//
// Decided by the policy as the registry has it at that moment: an operator who was revoked is out at once, and while the
// registry cannot be reached nobody can change anything. While only KV cannot be reached, operators can, but for service
// keys, and where an isolate has not read a table yet. Every request is
// a decision in the audit, with the operation.
// The description of the API is no operation: the platform serves it to anybody (wrangler.toml [assets]).

import { oldAuthentication, operatorRequirement, refuseForeign, unfitToken } from '../admin/operator.ts';
import { methodsOf, operate, operationOf } from '../admin/routes.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { describeError, log } from '../log.ts';
import { json } from './answer.ts';
import { identify, readmit } from './gate.ts';
import { answered, type Outcome, type Progress } from './outcome.ts';

export async function adminEndpoint(request: Request, url: URL, context: Context): Promise<Response> {
  return answered(request, context, (progress) => decide(request, url, context, progress));
}

async function decide(request: Request, url: URL, context: Context, progress: Progress): Promise<Outcome> {
  const operation = await operationOf(request.method, url);
  progress.operation = operation?.name ?? 'unknown';
  const admitted = await identify(request, url, context, progress);
  const { principal } = progress;
  if (!principal) return admitted as Denial;
  const { config } = context.deployment;
  // The registry could not say otherwise, so it is not asked: nor by whom the policy here refuses, and a newer one would not.
  const useless = unfitToken(principal, config) ?? refuseForeign(principal, config);
  if (useless) return isDenial(admitted) ? admitted : useless;
  // A key outlives whoever made it, and nobody signs in with it: the scope does not count in one unless that is set.
  if (principal.kind === 'service' && !config.adminScopeInKeys && !isDenial(admitted)) {
    const requiredScopes = [config.adminScope];
    return { reason: 'scope_missing', requiredScopes, missingScopes: requiredScopes };
  }
  // By what the registry says, whatever was published: KV may be late, or out of reach.
  const requirement = operatorRequirement(principal, operation?.needs, config);
  const operator = await readmit(principal, admitted, requirement, context, progress);
  if (isDenial(operator)) return operator;
  const old = oldAuthentication(principal, config, context.now());
  if (old) return old;

  if (!operation) {
    const methods = await methodsOf(url);
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
