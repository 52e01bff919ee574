import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { lab, withoutRoot } from './support/lab.ts';
import { run, SEARCH_PATH } from './support/process.ts';
import { scratch } from './support/tsbuild.ts';

const PAGE = fileURLToPath(new URL('../docs/build.md', import.meta.url));

/** What one block of the page did. */
interface Shown {
  readonly code: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

// An ordinary user's builds are the same through a user namespace; the rootless tests look at those.
describe.skipIf(withoutRoot)('the examples of docs/build.md (need root)', () => {
  const shown: Shown[] = [];
  let cwd: string;
  beforeAll(async () => {
    const folder = await scratch();
    cwd = join(folder, 'project');
    const bin = join(folder, 'bin');
    for (const path of [cwd, bin]) await mkdir(path);
    await writeFile(join(bin, 'tsbuild'), `#!/bin/sh\nexec '${process.execPath}' '${lab.cli}' "$@"\n`);
    await chmod(join(bin, 'tsbuild'), 0o755);
    const env = { PATH: `${bin}:${SEARCH_PATH}`, TSBUILD_ROOT: join(folder, 'store') };
    for (const [, code = ''] of (await readFile(PAGE, 'utf8')).matchAll(/^```sh\n([^]*?)^```$/gm)) {
      const ended = await run('bash', ['-e', '-o', 'pipefail', '-c', code], { cwd, env });
      shown.push({ code, ...ended });
    }
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
