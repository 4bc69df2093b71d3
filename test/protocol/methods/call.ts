// One call of a method, with as little around it as a method needs.

import { checkConfig } from '../../../src/config.ts';
import { createCatalogue, type Offers } from '../../../src/protocol/catalogue.ts';
import type { Era } from '../../../src/protocol/era.ts';
import type { HandlerContext } from '../../../src/protocol/handler.ts';
import { type Failure, isFailure, type RequestMessage } from '../../../src/protocol/message.ts';
import type { HandlerEvent, Method, MethodContext } from '../../../src/protocol/methods/method.ts';

export interface Given extends Partial<Offers> {
  readonly era?: Era;
  /** Permissions the caller does not have. */
  readonly hidden?: readonly string[];
  readonly pageSize?: number;
  readonly handler?: object;
  /** Gets what only the log may know. */
  readonly reported?: HandlerEvent[];
}

export const config = (settings: object = {}) =>
  checkConfig(
    { serverInfo: { name: 'test', version: '1' }, ...settings },
    {
      RESOURCE: 'https://mcp.example.com/mcp',
      AUTHORIZATION_SERVERS: [{ issuer: 'https://issuer.example.com' }],
    },
  );

export const request = (method: string, params: object = {}): RequestMessage => ({
  kind: 'request',
  id: 7,
  method,
  params: { ...params },
  meta: {},
});

export function methodContext(given: Given): MethodContext {
  const { tools = [], era = 'modern', hidden = [], pageSize = 2, handler = {}, reported = [] } = given;
  return {
    config: config({ pageSize }),
    catalogue: createCatalogue({ ...given, tools }),
    era,
    viewer: {},
    isReachable: ({ permissions }) => !hidden.some((permission) => permissions.includes(permission)),
    handler: handler as HandlerContext,
    report: (event) => reported.push(event),
  };
}

/** The result, parsed, and whether it may be kept; or the failure. */
export async function call(
  method: Method,
  params: object,
  given: Given,
): Promise<Failure | { readonly result: unknown; readonly isCacheable: boolean }> {
  const outcome = await method(request('', params), methodContext(given));
  if (isFailure(outcome)) return outcome;
  return { result: JSON.parse(outcome.json), isCacheable: outcome.isCacheable ?? false };
}

/** The failure that answers invalid params. */
export const invalid = (message: string): Failure => ({ status: 200, code: -32_602, message, id: 7 });
