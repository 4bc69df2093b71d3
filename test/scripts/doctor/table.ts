// How a table of broken set-ups becomes tests: the doctor's first line has to name the fault of each, with its id.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Doctor, examined, type World } from './run.ts';

export interface Row {
  readonly id: string;
  readonly level?: 'error' | 'warning';
  /** Part of the first line. `{url}` stands for the server's URL, `{issuer}` for the issuer. */
  readonly says: string;
  readonly spoil: (world: World) => void | Promise<void>;
}

export function firstLineNames(rows: Readonly<Record<string, Row>>): void {
  let doctor: Doctor;
  beforeAll(() => {
    doctor = new Doctor();
  });
  afterAll(() => doctor[Symbol.asyncDispose]());

  describe('the first line names the fault of', () => {
    test.each(Object.entries(rows))('%s', async (_name, { id, level = 'error', says, spoil }) => {
      const { text, report, world } = await examined(doctor, spoil);
      const [firstLine = ''] = text.split('\n');
      expect(firstLine).toContain(
        says.replaceAll('{url}', `${world.origin}/mcp`).replaceAll('{issuer}', world.issuer),
      );
      expect(firstLine).toMatch(new RegExp(`^${level}: .* \\[${id.replaceAll('.', '\\.')}\\]$`));
      expect(report.errors > 0).toBe(level === 'error');
      for (const part of (world.token ?? '').split('.').filter((piece) => piece.length > 11))
        expect(text).not.toContain(part);
    });
  });
}
