import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Layout, fromLayout } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../oci/testing/docker-registry.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

const OUTPUT = 'type=oci,dest=out,tar=false';
const skopeo = findProgram('skopeo');

async function project() {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY run /\n');
  await writeFile(join(cwd, 'run'), 'echo');
  const build = (...argv: string[]) => tsbuild(['build', '-o', OUTPUT, ...argv, '.'], { root, cwd });
  return { root, cwd, out: join(cwd, 'out'), build };
}

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('build -o type=oci,tar=false (needs root)', () => {
  it('writes a layout with nothing but what the specification knows', async () => {
    const { root, cwd, out, build } = await project();
    expect(await build('-t', 'my-app:1')).toMatchObject({ code: 0 });
    expect((await readdir(out)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect((await readdir(cwd)).toSorted()).toEqual(['Dockerfile', 'out', 'run']);
    const { id } = await (await Layout.open(root)).resolve('my-app:1');
    expect((await fromLayout(out)).manifest.config.digest).toBe(id);
    expect((await fromLayout(out, 'my-app:1')).manifest.config.digest).toBe(id);
  });

  it.skipIf(skopeo === undefined && process.env['CI'] !== 'true')(
    `is understood by skopeo${skopeo === undefined ? ' (skipped: not installed)' : ''}`,
    async () => {
      const { out, build } = await project();
      await build('-t', 'my-app:1', '--label', 'a=b');
      const text = execFileSync(skopeo ?? 'skopeo', ['inspect', `oci:${out}:1`], { encoding: 'utf8' });
      expect(JSON.parse(text)).toMatchObject({ Labels: { a: 'b' }, Os: 'linux' });
    },
  );

  it('fills an empty directory, and adds to a layout', async () => {
    const { out, build } = await project();
    await mkdir(out);
    expect(await build('-t', 'my-app:1')).toMatchObject({ code: 0 });
    expect(await build('-t', 'my-app:2', '--label', 'a=b')).toMatchObject({ code: 0 });
    const ids = await Promise.all(
      ['my-app:1', 'my-app:2'].map(async (name) => (await fromLayout(out, name)).manifest.config.digest),
    );
    expect(ids[0]).not.toBe(ids[1]);
    expect(await build('-t', 'my-app:1', '--label', 'a=b')).toMatchObject({ code: 0 });
    expect((await fromLayout(out, 'my-app:1')).manifest.config.digest).toBe(ids[1]);
    expect(JSON.parse(await readFile(join(out, 'index.json'), 'utf8')).schemaVersion).toBe(2);
  });

  it('refuses any other place before it builds', async () => {
    const { out, build } = await project();
    await writeFile(out, '');
    expect(await build()).toMatchObject({
      code: 1,
      stderr: 'ERROR: cannot write a layout to out: it is not a directory\n',
    });
    const taken = await project();
    await mkdir(taken.out);
    await writeFile(join(taken.out, 'mine'), '');
    const outcome = await taken.build();
    expect(outcome).toMatchObject({ code: 1 });
    expect(outcome.stderr).toMatch(
      /^ERROR: cannot write a layout to out: it is neither empty nor an OCI layout\nhint: /,
    );
  });
});
