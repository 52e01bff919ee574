import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

describe.skipIf(process.geteuid?.() !== 0)('cache mounts (needs root)', () => {
  it('are exported and imported by name', async () => {
    const root = await temporaryDirectory();
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'empty.tar'), Buffer.alloc(1024));
    const missing = await tsbuild(['cache', 'export-mount', '/c', '-o', 'c.tar'], { root, cwd });
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no cache mount "/c" in the store'),
    });
    expect(await tsbuild(['cache', 'import-mount', '/c', '-i', 'empty.tar'], { root, cwd })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await tsbuild(['cache', 'import-mount', '/c', '-i', 'nope.tar'], { root, cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nope.tar'),
    });
  });
});
