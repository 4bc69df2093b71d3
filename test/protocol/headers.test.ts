// Do the headers of a modern request say the same as its body, and which difference is told first?

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import { checkHeaders, contradiction, unsupportedVersion } from '../../src/protocol/headers.ts';
import type { Message, RequestMessage } from '../../src/protocol/message.ts';
import { defineTool } from '../../src/protocol/tool.ts';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const META = { [VERSION]: '2026-07-28', [CAPABILITIES]: {} };

/** `read` has no parameter headers, `route` has one. */
const CATALOGUE = createCatalogue({
  tools: ['read', 'route'].map((name) =>
    defineTool({
      name,
      title: name,
      description: name,
      input: toStandardJsonSchema(v.object({ region: v.optional(v.string()) })),
      scopes: [],
      permissions: [],
      ...(name === 'route' ? { headers: { region: 'Region' } } : {}),
      handler: () => '',
    }),
  ),
});

interface Sent {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Put in place of the good headers; `null` leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

function check({ method = 'tools/list', params = {}, meta = META, headers = {} }: Sent) {
  const good = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...headers };
  const sent = Object.entries(good).filter((entry): entry is [string, string] => entry[1] !== null);
  const message: RequestMessage = { kind: 'request', id: 7, method, params, meta };
  return checkHeaders(new Headers(sent), message, CATALOGUE);
}
const call = (name: unknown, header: string | null): Sent => ({
  method: 'tools/call',
  params: { name },
  headers: { 'mcp-name': header },
});
const route = (args: unknown, region: string | null): Sent => ({
  method: 'tools/call',
  params: { name: 'route', arguments: args },
  headers: { 'mcp-name': 'route', 'mcp-param-region': region },
});
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

test.each<[string, Sent]>([
  ['version and method are repeated', {}],
  [
    'a method of an extension names something',
    { method: 'tasks/get', params: { taskId: 't' }, headers: { 'mcp-name': 't' } },
  ],
  ['a tool is named', call('read', 'read')],
  ['a prompt is named', { method: 'prompts/get', params: { name: 'p' }, headers: { 'mcp-name': 'p' } }],
  [
    'a resource is named by its URI',
    { method: 'resources/read', params: { uri: 'a://b', name: 'x' }, headers: { 'mcp-name': 'a://b' } },
  ],
  ['a name is in base64', call('caf\u00e9', base64('caf\u00e9'))],
  ['a name is in base64 without need', call('read', base64('read'))],
  ['a name that looks like base64 is in base64', call('=?base64?x?=', base64('=?base64?x?='))],
  ['a name has spaces around it, in base64', call(' read ', base64(' read '))],
  ['an argument is repeated where the tool wants it', route({ region: 'eu' }, 'eu')],
  ['an argument is repeated in base64', route({ region: ' eu' }, base64(' eu'))],
  ['an argument that is not given is not repeated', route({}, null)],
  ['arguments are missing and nothing is repeated', route(undefined, null)],
  ['a tool without such arguments gets one of their headers', call('read', 'read')],
  ['names of headers are in any case', { headers: { 'mcp-method': null, 'MCP-METHOD': 'tools/list' } }],
])('a request is good when %s', (_, sent) => {
  expect(check(sent)).toBeUndefined();
});

const INVALID_META = {
  status: 400,
  code: -32_602,
  message: `_meta must have ${VERSION} and ${CAPABILITIES}`,
  id: 7,
};
const mismatch = (message: string) => ({ status: 400, code: -32_020, message, id: 7 });
const OTHER_VERSION = mismatch(`MCP-Protocol-Version must repeat ${VERSION}`);
const OTHER_METHOD = mismatch('Mcp-Method must repeat the method');
const OTHER_NAME = mismatch('Mcp-Name must repeat params.name');
const OTHER_REGION = mismatch('mcp-param-region must repeat the argument it stands for');
const NO_NAME = mismatch('Mcp-Name names what the body does not');
const OTHER_URI = mismatch('Mcp-Name must repeat params.uri');
/** The versions that can be had: never the one that was asked for. */
const unsupported = (
  requested: string,
  supported = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'],
) => ({
  id: 7,
  status: 400,
  code: -32_022,
  message: `This server speaks MCP ${supported.join(', ')}`,
  data: { supported, requested },
});
const FUTURE = { ...META, [VERSION]: '2099-01-01' };

test.each<[string, Sent, object]>([
  ['no version in the metadata', { meta: { [CAPABILITIES]: {} } }, INVALID_META],
  ['a version that is no text', { meta: { ...META, [VERSION]: 20260728 } }, INVALID_META],
  ['no client capabilities', { meta: { [VERSION]: '2026-07-28' } }, INVALID_META],
  ['client capabilities that are a list', { meta: { ...META, [CAPABILITIES]: [] } }, INVALID_META],
  ['client capabilities that are null', { meta: { ...META, [CAPABILITIES]: null } }, INVALID_META],
  ['no MCP-Protocol-Version', { headers: { 'mcp-protocol-version': null } }, OTHER_VERSION],
  ['another MCP-Protocol-Version', { headers: { 'mcp-protocol-version': '2025-11-25' } }, OTHER_VERSION],
  [
    'two MCP-Protocol-Versions',
    { headers: { 'mcp-protocol-version': '2026-07-28, 2026-07-28' } },
    OTHER_VERSION,
  ],
  [
    'a version that is not spoken',
    { meta: FUTURE, headers: { 'mcp-protocol-version': '2099-01-01' } },
    unsupported('2099-01-01'),
  ],
  [
    'a legacy version in the modern place',
    {
      meta: { ...META, [VERSION]: '2025-11-25' },
      headers: { 'mcp-protocol-version': '2025-11-25' },
    },
    unsupported('2025-11-25', ['2026-07-28']),
  ],
  ['no Mcp-Method', { headers: { 'mcp-method': null } }, OTHER_METHOD],
  ['another Mcp-Method', { headers: { 'mcp-method': 'tools/call' } }, OTHER_METHOD],
  ['an Mcp-Method in another case', { headers: { 'mcp-method': 'Tools/List' } }, OTHER_METHOD],
  ['an Mcp-Method in base64', { headers: { 'mcp-method': base64('tools/list') } }, OTHER_METHOD],
  ['no Mcp-Name for a tool', call('read', null), OTHER_NAME],
  ['another Mcp-Name for a tool', call('read', 'write'), OTHER_NAME],
  ['an Mcp-Name in another case', call('read', 'Read'), OTHER_NAME],
  ['an empty Mcp-Name', call('read', ''), OTHER_NAME],
  ['another Mcp-Name in base64', call('read', base64('write')), OTHER_NAME],
  ['an Mcp-Name in base64 without padding', call('read!', '=?base64?cmVhZCE?='), OTHER_NAME],
  ['an Mcp-Name for a tool without a name', call(undefined, 'read'), OTHER_NAME],
  ['an Mcp-Name for a name that is a number', call(5, '5'), OTHER_NAME],
  ['no Mcp-Name for a prompt', { method: 'prompts/get', params: { name: 'p' } }, OTHER_NAME],
  ['an Mcp-Name where nothing is named', { headers: { 'mcp-name': 'read' } }, NO_NAME],
  ['an Mcp-Name that is no base64 where nothing is named', call(undefined, '=?base64?x?='), OTHER_NAME],
  [
    'another Mcp-Name than an extension names',
    { method: 'tasks/get', params: { taskId: 't' }, headers: { 'mcp-name': 'u' } },
    NO_NAME,
  ],
  ['no header for an argument', route({ region: 'eu' }, null), OTHER_REGION],
  ['a header for an argument that is not given', route({}, 'eu'), OTHER_REGION],
  ['a header for arguments that are no object', route('eu', 'eu'), OTHER_REGION],
  ['another argument than the header says', route({ region: 'eu' }, 'us'), OTHER_REGION],
  [
    'the name instead of the URI of a resource',
    { method: 'resources/read', params: { uri: 'a://b', name: 'x' }, headers: { 'mcp-name': 'x' } },
    OTHER_URI,
  ],
])('refuses %s', (_, sent, expected) => {
  expect(check(sent)).toEqual(expected);
});

test.each<[string, Sent, object]>([
  [
    'missing metadata before a different version',
    { meta: {}, headers: { 'mcp-protocol-version': null, 'mcp-method': null } },
    INVALID_META,
  ],
  ['a different version before one that is not spoken', { meta: FUTURE }, OTHER_VERSION],
  [
    'a version that is not spoken before a different method',
    { meta: FUTURE, headers: { 'mcp-protocol-version': '2099-01-01', 'mcp-method': null } },
    unsupported('2099-01-01'),
  ],
  [
    'a different version before a different method',
    { headers: { 'mcp-protocol-version': null, 'mcp-method': null } },
    OTHER_VERSION,
  ],
  [
    'a different method before a different name',
    { ...call('read', null), headers: { 'mcp-method': null } },
    OTHER_METHOD,
  ],
  [
    'a different name before a different argument',
    { ...route({ region: 'eu' }, 'us'), headers: { 'mcp-name': 'read', 'mcp-param-region': 'us' } },
    OTHER_NAME,
  ],
])('tells of %s', (_, sent, expected) => {
  expect(check(sent)).toEqual(expected);
});

const contradicts = (headers: Readonly<Record<string, string>>, message: Message, catalogue = CATALOGUE) =>
  contradiction(new Headers(headers), message, catalogue);
const request = (method: string, params: RequestMessage['params'] = {}, meta = {}): RequestMessage => ({
  kind: 'request',
  id: 7,
  method,
  params,
  meta,
});
const { id: _, ...NOTIFIED } = request('notifications/cancelled', { requestId: 1 });
const NOTIFICATION: Message = { ...NOTIFIED, kind: 'notification' };
const RESPONSE: Message = { kind: 'response', id: 7, result: {} };
const ROUTED = request('tools/call', { name: 'route', arguments: { region: 'eu' } });
const withoutId = ({ id: _, ...rest }: ReturnType<typeof mismatch>) => rest;
const NOT_REPEATED = withoutId(mismatch('A response has nothing that Mcp-Method or Mcp-Name could repeat'));
const NOTIFIED_META: Message = { ...NOTIFICATION, meta: META };

test.each<[string, Readonly<Record<string, string>>, Message]>([
  ['a request without any of the headers', {}, ROUTED],
  ['a notification without any', {}, NOTIFICATION],
  ['a response without any', {}, RESPONSE],
  [
    'a request that repeats everything',
    { 'mcp-method': 'tools/call', 'mcp-name': 'route', 'mcp-param-region': 'eu' },
    ROUTED,
  ],
  ['a request that repeats one', { 'mcp-name': 'route' }, ROUTED],
  ['a method that is repeated', { 'mcp-method': 'notifications/cancelled' }, NOTIFICATION],
  ['headers of arguments that the tool has none of', { 'mcp-param-other': 'x' }, ROUTED],
  [
    'a URI of a method that needs no name',
    { 'mcp-name': 'a://b' },
    request('resources/subscribe', { uri: 'a://b' }),
  ],
  ['a version that is repeated', { 'mcp-protocol-version': '2026-07-28' }, NOTIFIED_META],
  ['a version where the body has none', { 'mcp-protocol-version': '2025-11-25' }, NOTIFICATION],
  ['a response with a version', { 'mcp-protocol-version': '2025-11-25' }, RESPONSE],
])('headers may be absent, and nothing contradicts: %s', (_, headers, message) => {
  expect(contradicts(headers, message)).toBeUndefined();
});

test.each<[string, Readonly<Record<string, string>>, Message, object]>([
  ['another method', { 'mcp-method': 'tools/list' }, ROUTED, OTHER_METHOD],
  ['another name', { 'mcp-name': 'read' }, ROUTED, OTHER_NAME],
  ['another argument', { 'mcp-param-region': 'us' }, ROUTED, OTHER_REGION],
  [
    'an argument that is not given',
    { 'mcp-param-region': 'us' },
    request('tools/call', { name: 'route' }),
    OTHER_REGION,
  ],
  ['a name where nothing is named', { 'mcp-name': 'read' }, request('tools/list'), NO_NAME],
  [
    'another method than is notified of',
    { 'mcp-method': 'tools/list' },
    NOTIFICATION,
    withoutId(OTHER_METHOD),
  ],
  ['a name of a notification', { 'mcp-name': 'read' }, NOTIFICATION, withoutId(NO_NAME)],
  [
    'another version than is notified in',
    { 'mcp-protocol-version': '2025-11-25' },
    NOTIFIED_META,
    withoutId(OTHER_VERSION),
  ],
  ['a method of a response', { 'mcp-method': 'tools/list' }, RESPONSE, NOT_REPEATED],
  ['a name of a response', { 'mcp-name': 'read' }, RESPONSE, NOT_REPEATED],
])('a header that is there contradicts: %s', (_, headers, message, expected) => {
  expect(contradicts(headers, message)).toEqual(expected);
});

test('whoever knows no tools finds what contradicts in method and name', () => {
  const nothing = createCatalogue({ tools: [] });
  expect(contradicts({ 'mcp-param-region': 'us' }, ROUTED, nothing)).toBeUndefined();
  expect(contradicts({ 'mcp-name': 'read' }, ROUTED, nothing)).toEqual(OTHER_NAME);
  expect(contradicts({ 'mcp-method': 'tools/list' }, ROUTED, nothing)).toEqual(OTHER_METHOD);
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'a method named like a property of every object needs no name: %s',
  (method) => {
    expect(check({ method })).toBeUndefined();
  },
);

test('an unsupported version is named without an id when the message has none', () => {
  const { id: _, ...withoutId } = unsupported('1900-01-01');
  expect(unsupportedVersion('1900-01-01')).toEqual(withoutId);
  expect(unsupportedVersion('1900-01-01', 7)).toEqual(unsupported('1900-01-01'));
});
