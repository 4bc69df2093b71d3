// Do the headers of a modern request say the same as its body, and which difference is told first?

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import { checkHeaders, unsupportedVersion } from '../../src/protocol/headers.ts';
import type { RequestMessage } from '../../src/protocol/message.ts';
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
  ['a method without a name needs no Mcp-Name', { headers: { 'mcp-name': 'anything' } }],
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
