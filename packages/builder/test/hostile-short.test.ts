import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Arena, canTry } from '../../../hostile/input/arena.ts';
import { CATALOGUE } from '../../../hostile/input/catalogue.ts';

/** The first case of each row; `npm run hostile` tries all of them. */
const SPREAD = CATALOGUE.filter(({ row }, i) => CATALOGUE.findIndex((other) => other.row === row) === i);

describe('hostile input is contained, or refused for the right reason', () => {
  let arena: Arena;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tsbuild-hostile-'));
    arena = await Arena.make(folder);
  });
  afterAll(async () => {
    await arena[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(SPREAD.map((attack) => [`${attack.row}: ${attack.name}`, attack] as const))('%s', async (_, attack) => {
    const { outcome, problems } = await arena.try(attack);
    expect(problems).toEqual([]);
    expect(outcome).toBe(!canTry(attack) ? 'skipped' : attack.refused === undefined ? 'contained' : 'refused');
  });

  it('a case that is contained where it must be refused is noticed', async () => {
    const harmless = { row: 'X', name: 'nothing', refused: /never/, attempt: async () => {} };
    expect((await arena.try(harmless)).problems).toEqual(['it was taken']);
  });

  it('every case has a name of its own', () => {
    const names = CATALOGUE.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
