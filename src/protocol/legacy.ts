// The legacy era (MCP 2025-03-26 to 2025-11-25): its methods, and the answer to `initialize`.
//
// A method that is not in the table does not exist. The methods proper are the same as in the modern era; what belongs
// to a session (log level, subscriptions) is kept by whoever keeps the session.

import type { LoggingLevel } from '@modelcontextprotocol/server';
import type { Config } from '../config.ts';
import { isRecord } from '../shapes.ts';
import { type Catalogue, findResource } from './catalogue.ts';
import { LEGACY_VERSIONS } from './era.ts';
import { implementationOf, isLoggingLevel } from './handler.ts';
import { type Failure, failure, INVALID_PARAMS, METHOD_NOT_FOUND, type RequestMessage } from './message.ts';
import { complete } from './methods/completion.ts';
import { capabilities } from './methods/discover.ts';
import type { Method, MethodContext, Result } from './methods/method.ts';
import { getPrompt, listPrompts } from './methods/prompts.ts';
import { listResources, listResourceTemplates, notFound, readResource } from './methods/resources.ts';
import { callTool, listTools } from './methods/tools.ts';

/** What a session keeps on behalf of methods. */
export interface LegacySession {
  setLogLevel(level: LoggingLevel): void;
  /** `false` when there are too many. */
  subscribe(uri: string): Promise<boolean>;
  unsubscribe(uri: string): void;
}

const EMPTY: Result = { json: '{}' };

type SessionMethod = (
  message: RequestMessage,
  context: MethodContext,
  session: LegacySession,
) => Result | Failure | Promise<Result | Failure>;

const SESSION_METHODS: ReadonlyMap<string, SessionMethod> = new Map<string, SessionMethod>([
  ['ping', () => EMPTY],
  [
    'logging/setLevel',
    ({ id, params }, _context, session) => {
      if (!isLoggingLevel(params.level))
        return failure(200, INVALID_PARAMS, 'level must be one of the levels of RFC 5424', id);
      session.setLogLevel(params.level);
      return EMPTY;
    },
  ],
  [
    'resources/subscribe',
    async ({ id, params }, { catalogue }, session) => {
      const { uri } = params;
      if (typeof uri !== 'string') return failure(200, INVALID_PARAMS, 'uri must be a string', id);
      if (!findResource(catalogue, uri)) return notFound(uri, id, 'legacy');
      return (await session.subscribe(uri))
        ? EMPTY
        : failure(200, INVALID_PARAMS, 'This session has too many subscriptions', id);
    },
  ],
  [
    'resources/unsubscribe',
    ({ id, params }, _context, session) => {
      if (typeof params.uri !== 'string') return failure(200, INVALID_PARAMS, 'uri must be a string', id);
      session.unsubscribe(params.uri);
      return EMPTY;
    },
  ],
]);

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['tools/list', listTools],
  ['tools/call', callTool],
  ['resources/list', listResources],
  ['resources/templates/list', listResourceTemplates],
  ['resources/read', readResource],
  ['prompts/list', listPrompts],
  ['prompts/get', getPrompt],
  ['completion/complete', complete],
]);

export function handleLegacy(
  message: RequestMessage,
  context: MethodContext,
  session: LegacySession,
): Result | Failure | Promise<Result | Failure> {
  const ofSession = SESSION_METHODS.get(message.method);
  if (ofSession) return ofSession(message, context, session);
  const method = METHODS.get(message.method);
  return method ? method(message, context) : failure(200, METHOD_NOT_FOUND, 'Method not found', message.id);
}

export interface Initialized {
  readonly protocolVersion: string;
  readonly clientInfo: unknown;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** The JSON of `result`. */
  readonly json: string;
}

/** `initialize`: the version the client asks for if it is spoken here, else the newest of the era. */
export function initialize(
  { id, params }: RequestMessage,
  { config, catalogue }: { config: Config; catalogue: Catalogue },
): Initialized | Failure {
  const { protocolVersion: wanted, clientInfo, capabilities: declared = {} } = params;
  if (typeof wanted !== 'string' || !isRecord(declared)) {
    return failure(400, INVALID_PARAMS, 'initialize must have protocolVersion and capabilities', id);
  }
  if (JSON.stringify(declared).length > MAX_CAPABILITIES)
    return failure(
      400,
      INVALID_PARAMS,
      `capabilities must not be longer than ${MAX_CAPABILITIES} characters`,
      id,
    );
  const protocolVersion = LEGACY_VERSIONS.includes(wanted) ? wanted : (LEGACY_VERSIONS[0] ?? '');
  const { serverInfo, instructions } = config;
  const json = JSON.stringify({
    protocolVersion,
    capabilities: capabilities(catalogue),
    serverInfo,
    instructions,
  });
  return { protocolVersion, clientInfo: shortened(clientInfo), capabilities: declared, json };
}

/** Both are kept for as long as the session is. */
const MAX_CAPABILITIES = 16_384;
const MAX_CLIENT_INFO = 4_096;
const MAX_NAME = 256;

/** Clients may send pictures along; of what is long, only what names the client is kept. */
function shortened(clientInfo: unknown): unknown {
  if ((JSON.stringify(clientInfo)?.length ?? 0) <= MAX_CLIENT_INFO) return clientInfo;
  const info = implementationOf(clientInfo);
  return info && { name: info.name.slice(0, MAX_NAME), version: info.version.slice(0, MAX_NAME) };
}
