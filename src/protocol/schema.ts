// What a tool's input and output are described with: any Standard Schema that can also give its JSON Schema.
//
// The interface is the one of https://standardschema.dev (validation and JSON Schema parts), so Valibot, Zod, ArkType and
// others fit without an adapter of ours. The kit depends on none of them.

export interface Schema<T> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly jsonSchema: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>;
      readonly output: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>;
    };
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** JSON Schema 2020-12 of what the schema accepts or gives. */
export function jsonSchemaOf(schema: Schema<unknown>, side: 'input' | 'output'): Record<string, unknown> {
  return schema['~standard'].jsonSchema[side]({ target: 'draft-2020-12' });
}

/** What is wrong with a value. `problems` may repeat parts of it; `paths` say only where. */
export interface Unfit {
  /** A line per problem: `path.to.it: message`. */
  readonly problems: readonly string[];
  readonly paths: readonly string[];
}

/** The value as the schema gives it back, or what is wrong with it. */
export async function validate<T>(schema: Schema<T>, value: unknown): Promise<{ readonly value: T } | Unfit> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return { value: result.value };
  const paths = result.issues.map(({ path = [] }) => path.map(segment).join('.'));
  const problems = result.issues.map(({ message }, index) =>
    paths[index] ? `${paths[index]}: ${message}` : message,
  );
  return { problems, paths };
}

const segment = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === 'object' ? part.key : part);
