// YOURS: the example's data, reports in the KV namespace REPORTS.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { type AppEnv, type Schema, ToolError } from '../kit.ts';

export const reportId = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]{1,64}$/),
  v.description('Identifier, such as 2026-q3'),
);
export const report = v.object({ id: reportId, title: v.string(), body: v.string() });
export type Report = v.InferOutput<typeof report>;

/** Valibot entries -> the schema of an object that has these properties and no others. */
export function object<const Entries extends v.ObjectEntries>(
  entries: Entries,
): Schema<v.InferOutput<v.StrictObjectSchema<Entries, undefined>>> {
  return toStandardJsonSchema(v.strictObject(entries));
}

export async function findReport(env: AppEnv, id: string): Promise<Report | undefined> {
  return (await env.REPORTS.get<Report>(`report:${id}`, 'json')) ?? undefined;
}

export async function readReport(env: AppEnv, id: string): Promise<Report> {
  const found = await findReport(env, id);
  if (!found) throw new ToolError(`There is no report "${id}". list_reports names them all.`);
  return found;
}

export async function writeReport(env: AppEnv, changed: Report): Promise<void> {
  await env.REPORTS.put(`report:${changed.id}`, JSON.stringify(changed), {
    metadata: { title: changed.title },
  });
}

/** The first thousand, by identifier. */
export async function listReports(env: AppEnv): Promise<Pick<Report, 'id' | 'title'>[]> {
  const { keys } = await env.REPORTS.list<{ title?: string }>({ prefix: 'report:' });
  return keys.map(({ name, metadata }) => ({
    id: name.slice('report:'.length),
    title: metadata?.title ?? '',
  }));
}
