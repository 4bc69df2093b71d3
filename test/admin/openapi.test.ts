// What openapi.json says of the operators' API, compared with the operations there are. Whether answers are as it says
// is looked at wherever the tests in this folder call an operation (admin-gate.ts).

import { expect, test } from 'vitest';
import openapi from '../../src/admin/assets/admin/openapi.json';
import { OPERATIONS } from '../../src/admin/routes.ts';
import { checkSchema, problemsOf, resolve } from '../support/json-schema.ts';

interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly unknown[];
  readonly requestBody?: { readonly content: { 'application/json': { schema: unknown } } };
  readonly responses: Readonly<Record<string, { $ref?: string; description?: string }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: unknown;
}

const METHODS = ['get', 'put', 'post', 'delete'];

/** Every operation of the document but the one that serves the document, which anybody may read. */
const DESCRIBED = Object.entries(openapi.paths).flatMap(([path, item]) =>
  Object.entries(item as unknown as Record<string, Operation>)
    .filter(([method, { operationId }]) => METHODS.includes(method) && operationId !== 'openapi')
    .map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      parameters: [
        ...((item as { parameters?: unknown[] }).parameters ?? []),
        ...(operation.parameters ?? []),
      ].map(followed<Parameter>),
    })),
);

function followed<T>(value: unknown): T {
  const { $ref } = value as { $ref?: string };
  return ($ref === undefined ? value : resolve($ref, openapi)) as T;
}

/** Every value of a member of that name, wherever it is. */
function valuesOf(name: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    ...(key === name ? [part] : []),
    ...valuesOf(name, part),
  ]);
}

test('the document and the routes name the same operations', () => {
  const routed = OPERATIONS.map(([method, path, name]) => [method, path.replaceAll(/:(\w+)/g, '{$1}'), name]);
  const described = DESCRIBED.map(({ method, path, operation }) => [method, path, operation.operationId]);
  expect(described.sort()).toEqual(routed.sort());
});

test('every reference leads somewhere, and every component is referred to', () => {
  const references = new Set(valuesOf('$ref', openapi) as string[]);
  for (const ref of references) expect(resolve(ref, openapi), ref).toBeDefined();
  const { securitySchemes, ...components } = openapi.components;
  const defined = Object.entries(components).flatMap(([kind, all]) =>
    Object.keys(all).map((name) => `#/components/${kind}/${name}`),
  );
  expect(defined.filter((ref) => !references.has(ref))).toEqual([]);
  expect(openapi.security.flatMap((scheme) => Object.keys(scheme))).toEqual(Object.keys(securitySchemes));
});

test('the parameters of a path are declared, and no others', () => {
  for (const { path, operation, parameters } of DESCRIBED) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = parameters.filter((parameter) => parameter.in === 'path');
    expect(
      declared.map(({ name }) => name),
      operation.operationId,
    ).toEqual(inPath);
    for (const { required } of declared) expect(required).toBe(true);
  }
});

test('every write declares a reason and an idempotency key', () => {
  for (const { method, operation, parameters } of DESCRIBED) {
    const { operationId, requestBody } = operation;
    const names = parameters.map(({ name }) => name);
    if (method === 'GET' || operationId === 'explain') {
      expect(names, operationId).not.toContain('Idempotency-Key');
      continue;
    }
    expect(names, operationId).toContain('Idempotency-Key');
    const inBody = requestBody && {
      schema: requestBody.content['application/json'].schema,
      problem: '$.reason: missing',
    };
    if (inBody) expect(problemsOf(inBody.schema, {}, openapi), operationId).toContain(inBody.problem);
    else expect(parameters.find(({ name }) => name === 'reason')?.required, operationId).toBe(true);
  }
});

test('every operation declares the refusals that all of them have, and describes each answer', () => {
  for (const { operation } of DESCRIBED) {
    const { operationId, responses } = operation;
    expect(Object.keys(responses), operationId).toEqual(expect.arrayContaining(['400', '401', '403', '503']));
    for (const response of Object.values(responses))
      expect(followed<{ description: string }>(response).description).toBeTruthy();
  }
});

test('operations have tags that are declared, and the document names no server', () => {
  const declared = openapi.tags.map(({ name }) => name);
  for (const { operation } of DESCRIBED)
    expect(declared).toEqual(expect.arrayContaining([...(operation.tags ?? ['none'])]));
  expect(openapi).not.toHaveProperty('servers');
});

test('the document says how long a change takes, and has no keyword that the tests would not check', () => {
  for (const number of ['streamRecheckSeconds', 'policyFreshSeconds', '60 s'])
    expect(openapi.info.description).toContain(number);
  const schemas = [...Object.values(openapi.components.schemas), ...valuesOf('schema', openapi)];
  for (const schema of schemas) expect(() => checkSchema(schema)).not.toThrow();
});
