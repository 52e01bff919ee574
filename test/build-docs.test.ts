import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { withoutRoot } from './support/lab.ts';
import { runBlocks, type Shown } from './support/page-blocks.ts';
import { scratch, tsbuild } from './support/tsbuild.ts';

const page = (name: string): string => fileURLToPath(new URL(`../docs/${name}.md`, import.meta.url));

// An ordinary user's builds are the same through a user namespace; the rootless tests look at those.
describe.skipIf(withoutRoot)('the examples of docs/build.md (need root)', () => {
  let shown: readonly Shown[];
  let cwd: string;
  beforeAll(async () => {
    const folder = await scratch();
    ({ cwd, shown } = await runBlocks(page('build'), { folder, store: join(folder, 'store') }));
  });

  it('all work', () => {
    expect(shown.length).toBe(6);
    for (const { code, exitCode, stderr } of shown) expect(exitCode, `${code}\n${stderr}`).toBe(0);
  });

  it('build the directory and the archive of it to one image, from the cache', () => {
    const built = [...(shown[1]?.stderr ?? '').matchAll(/^Built app \(([0-9a-f]{12}), .*$/gm)];
    expect(built.length).toBe(2);
    expect(built[1]?.[1]).toBe(built[0]?.[1]);
    expect(built[1]?.[0]).toContain('every step cached');
  });

  it('write what they say', async () => {
    expect((await readdir(cwd)).toSorted()).toEqual(
      [
        'Dockerfile',
        'again',
        'app',
        'app.tar',
        'id',
        'layout',
        'metadata.json',
        'out',
        'shared',
        'web.Dockerfile',
      ].toSorted(),
    );
    expect(await readFile(join(cwd, 'out/app/main.js'), 'utf8')).toBe('console.log("hello")\n');
    expect(shown[3]?.stdout).toBe('app/\napp/main.js\n');
    const id = await readFile(join(cwd, 'id'), 'utf8');
    expect(shown[4]?.stdout).toContain(id);
    expect(JSON.parse(await readFile(join(cwd, 'metadata.json'), 'utf8'))).toMatchObject({
      'containerimage.config.digest': id,
      'image.name': 'docker.io/library/app:latest',
    });
  });
});

describe.skipIf(withoutRoot)('the examples of docs/getting-started.md (need root)', () => {
  let shown: readonly Shown[];
  beforeAll(async () => {
    const { store } = await tsbuild();
    ({ shown } = await runBlocks(page('getting-started'), { folder: await scratch(), store }));
  });

  it('all work', () => {
    expect(shown.length).toBe(5);
    for (const { code, exitCode, stderr } of shown) expect(exitCode, `${code}\n${stderr}`).toBe(0);
  });

  it('show what the page says', () => {
    expect(shown[1]?.stdout).toBe('Hello from tsbuild\n');
    expect(shown[2]?.stderr).toMatch(/RUN echo tsbuild > \/etc\/greeting\n#\d+ CACHED/);
    expect(shown[2]?.stdout).toContain('hello.sh changed');
  });
});
