// Does a value fit a schema of an OpenAPI document? The part of JSON Schema 2020-12 that src/admin/assets/admin/openapi.json uses.
//
// A keyword that is not known here is an exception, so that nothing is believed to be checked that is not.

export type Json = Readonly<Record<string, unknown>>;

/** Everything that is wrong with a value, each with the place; empty when it fits. `root` is what $refs lead into. */
export function problemsOf(schema: unknown, value: unknown, root: unknown): readonly string[] {
  return evaluate(schema, value, '$', root).problems;
}

/** What a local $ref leads to. @throws {Error} when it leads nowhere */
export function resolve(ref: string, root: unknown): unknown {
  if (!ref.startsWith('#/')) throw new Error(`${ref} is not a local reference`);
  return ref
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((found: unknown, part) => {
      if (!isObject(found) || !Object.hasOwn(found, part)) throw new Error(`${ref} leads nowhere`);
      return found[part];
    }, root);
}

/** @throws {Error} when a schema, or one inside it, has a keyword that would not be checked */
export function checkSchema(schema: unknown): void {
  if (schema === true) return;
  if (!isObject(schema)) throw new Error('not a schema');
  const { properties = {}, items = true, allOf = [], anyOf = [], oneOf = [] } = schema;
  const inside = [...Object.values(properties as Json), items, ...[allOf, anyOf, oneOf].flat()];
  for (const part of inside) checkSchema(part);
  for (const keyword of Object.keys(schema)) checkKeyword(keyword);
}

function checkKeyword(keyword: string): Check | undefined {
  if (ANNOTATIONS.has(keyword) || LATER.has(keyword)) return undefined;
  const check = KEYWORDS[keyword];
  if (!check) throw new Error(`the keyword ${keyword} is not checked here`);
  return check;
}

interface Evaluation {
  readonly problems: readonly string[];
  /** Members of an object that some part of the schema knows. */
  readonly known: ReadonlySet<string>;
}

const ANNOTATIONS = new Set(['description', 'default', 'title']);

function evaluate(schema: unknown, value: unknown, at: string, root: unknown): Evaluation {
  if (schema === true) return { problems: [], known: new Set() };
  if (!isObject(schema)) throw new Error(`${at}: not a schema`);
  const problems: string[] = [];
  const known = new Set<string>();
  const take = (part: Evaluation): void => {
    problems.push(...part.problems);
    for (const name of part.known) known.add(name);
  };
  for (const [keyword, wanted] of Object.entries(schema)) {
    const check = checkKeyword(keyword);
    if (check) take(check(wanted, value, at, root));
  }
  if (isObject(value)) {
    const declared = isObject(schema.properties) ? Object.keys(schema.properties) : [];
    const closed = (keyword: string, members: ReadonlySet<string>): void => {
      if (schema[keyword] === undefined) return;
      if (schema[keyword] !== false) throw new Error(`${at}: ${keyword} can only be false here`);
      for (const name of Object.keys(value))
        if (!members.has(name)) problems.push(`${at}.${name}: not known`);
    };
    closed('additionalProperties', new Set(declared));
    closed('unevaluatedProperties', known);
  }
  return { problems, known };
}

/** Looked at when the others are done. */
const LATER = new Set(['additionalProperties', 'unevaluatedProperties']);

type Check = (wanted: unknown, value: unknown, at: string, root: unknown) => Evaluation;

const evaluation = (problems: readonly string[], known: Iterable<string> = []): Evaluation => ({
  problems,
  known: new Set(known),
});

/** A keyword about values of one type; others pass. */
const about =
  <T>(isIt: (value: unknown) => value is T, check: (wanted: never, value: T) => string | false): Check =>
  (wanted, value, at) => {
    const problem = isIt(value) && check(wanted as never, value);
    return evaluation(problem ? [`${at}: ${problem}`] : []);
  };

const KEYWORDS: Readonly<Record<string, Check>> = {
  $ref: (wanted, value, at, root) => evaluate(resolve(String(wanted), root), value, at, root),
  type: (wanted, value, at) => {
    const types = [wanted].flat();
    const fits = types.some((type) => type === typeOf(value) || (type === 'number' && isNumber(value)));
    return evaluation(fits ? [] : [`${at}: is ${typeOf(value)}, not ${types.join(' or ')}`]);
  },
  const: (wanted, value, at) =>
    evaluation(isSame(wanted, value) ? [] : [`${at}: is not ${JSON.stringify(wanted)}`]),
  enum: (wanted, value, at) =>
    evaluation(
      (wanted as unknown[]).some((one) => isSame(one, value)) ? [] : [`${at}: is none of the values`],
    ),
  required: (wanted, value, at) =>
    evaluation(
      isObject(value)
        ? (wanted as string[])
            .filter((name) => !Object.hasOwn(value, name))
            .map((name) => `${at}.${name}: missing`)
        : [],
    ),
  properties: (wanted, value, at, root) => {
    if (!isObject(value)) return evaluation([]);
    const there = Object.entries(wanted as Json).filter(([name]) => Object.hasOwn(value, name));
    return evaluation(
      there.flatMap(([name, schema]) => evaluate(schema, value[name], `${at}.${name}`, root).problems),
      there.map(([name]) => name),
    );
  },
  items: (wanted, value, at, root) =>
    evaluation(
      Array.isArray(value)
        ? value.flatMap((item, index) => evaluate(wanted, item, `${at}[${index}]`, root).problems)
        : [],
    ),
  allOf: (wanted, value, at, root) => {
    const parts = (wanted as unknown[]).map((schema) => evaluate(schema, value, at, root));
    return evaluation(
      parts.flatMap(({ problems }) => problems),
      parts.flatMap(({ known }) => [...known]),
    );
  },
  anyOf: (wanted, value, at, root) => {
    const parts = (wanted as unknown[]).map((schema) => evaluate(schema, value, at, root));
    const fitting = parts.filter(({ problems }) => problems.length === 0);
    return fitting.length > 0
      ? evaluation(
          [],
          fitting.flatMap(({ known }) => [...known]),
        )
      : evaluation([`${at}: fits none: ${parts.map(({ problems }) => problems.join(', ')).join(' | ')}`]);
  },
  oneOf: (wanted, value, at, root) => {
    const parts = (wanted as unknown[]).map((schema) => evaluate(schema, value, at, root));
    const [fitting, second] = parts.filter(({ problems }) => problems.length === 0);
    if (fitting && !second) return fitting;
    const why = fitting ? 'more than one' : parts.map(({ problems }) => problems.join(', ')).join(' | ');
    return evaluation([`${at}: does not fit exactly one: ${why}`]);
  },
  minimum: about(isNumber, (least: number, value) => value < least && `is below ${least}`),
  maximum: about(isNumber, (most: number, value) => value > most && `is above ${most}`),
  minLength: about(isText, (least: number, value) => value.length < least && `is shorter than ${least}`),
  maxLength: about(isText, (most: number, value) => value.length > most && `is longer than ${most}`),
  pattern: about(
    isText,
    (pattern: string, value) => !new RegExp(pattern, 'u').test(value) && `is not ${pattern}`,
  ),
};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function isObject(value: unknown): value is Json {
  return typeOf(value) === 'object';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
