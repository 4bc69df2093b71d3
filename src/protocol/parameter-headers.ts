// Mcp-Param-*: arguments that a client repeats as headers (MCP 2026-07-28, "Custom Headers from Tool Parameters").
//
// Which ones is said in a tool's input schema (`x-mcp-header`). Proxies act on the header and the tool on the body, so a
// value that is in one and not in the other, or differs, is refused.

import { isRecord } from '../shapes.ts';
import { decodeHeaderValue } from './header-value.ts';

export interface ParameterHeader {
  /** In lower case. */
  readonly header: string;
  readonly path: readonly string[];
}

/** Every annotation of a schema. `fail` for one that clients would reject the tool for. */
export function parameterHeaders(
  schema: Readonly<Record<string, unknown>>,
  fail: (problem: string) => never,
): readonly ParameterHeader[] {
  const found: ParameterHeader[] = [];

  /** `path` is undefined where an annotation is not allowed: below anything but `properties`. */
  function visit(node: unknown, path: readonly string[] | undefined): void {
    if (Array.isArray(node)) for (const item of node) visit(item, undefined);
    if (!isRecord(node)) return;
    const name = node['x-mcp-header'];
    if (name !== undefined) {
      if (path === undefined || path.length === 0)
        fail('x-mcp-header must be at a property reached through `properties` only');
      if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
        fail('x-mcp-header must be a header name');
      if (node.type !== 'string' && node.type !== 'integer' && node.type !== 'boolean')
        fail('x-mcp-header must be at a string, integer or boolean');
      const header = `mcp-param-${String(name).toLowerCase()}`;
      if (found.some((other) => other.header === header)) fail(`x-mcp-header ${String(name)} is used twice`);
      found.push({ header, path: path ?? [] });
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties' && isRecord(value)) {
        for (const [property, inner] of Object.entries(value)) visit(inner, path && [...path, property]);
      } else if (
        key !== 'x-mcp-header' &&
        key !== 'enum' &&
        key !== 'const' &&
        key !== 'default' &&
        key !== 'examples'
      )
        visit(value, undefined);
    }
  }

  visit(schema, []);
  return found;
}

/** The first header that does not say what the arguments say, or `undefined`. Without `mustRepeat` it may be missing. */
export function mismatchedHeader(
  headers: Headers,
  parameters: readonly ParameterHeader[],
  args: unknown,
  mustRepeat = true,
): string | undefined {
  return parameters.find(({ header, path }) => {
    const said = headers.get(header);
    return said === null && !mustRepeat ? false : !says(said, valueAt(args, path));
  })?.header;
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const segment of path)
    value = isRecord(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  return value ?? undefined;
}

function says(header: string | null, value: unknown): boolean {
  if (header === null || value === undefined) return header === null && value === undefined;
  const text = decodeHeaderValue(header);
  if (text === undefined) return false;
  if (typeof value === 'number')
    return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) && Number(text) === value;
  // Arguments are not validated yet: anything else than text and booleans has no header form.
  return typeof value === 'boolean' ? text === String(value) : text === value;
}
