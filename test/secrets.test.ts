import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blindness, search } from '../hostile/secrets/search.ts';
import { tell } from '../hostile/secrets/story.ts';
import { lab, withoutRoot } from './support/lab.ts';
import { scratch } from './support/tsbuild.ts';

describe('secrets', () => {
  it('would be found in every encoding', async () => {
    expect(blindness(join(await scratch(), 'planted'))).toEqual([]);
  });

  it.skipIf(withoutRoot)('of a pull, of builds and of pushes are nowhere afterwards (needs root)', async () => {
    const { canaries, made, failures } = await tell(lab.cli, await scratch());
    expect(failures).toEqual([]);
    expect(canaries.unused).toEqual([]);
    expect(search(made, canaries.values).hits).toEqual([]);
  });
});
