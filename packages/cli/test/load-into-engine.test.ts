import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from './testing-host.ts';

/** A `docker` command on a PATH of its own. */
async function engine(script: string): Promise<string> {
  const folder = await temporaryDirectory();
  await writeFile(join(folder, 'docker'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'docker'), 0o755);
  return folder;
}

async function buildAndLoad(path: string) {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY big /\n');
  await writeFile(join(cwd, 'big'), Buffer.alloc(3 << 20, 'x'));
  return tsbuild(['build', '--load', '-t', 'my-app', '.'], {
    root,
    cwd,
    env: { PATH: `${path}:${process.env['PATH']}` },
  });
}

const rootOnly = process.geteuid?.() !== 0;

it.skipIf(rootOnly)('pipes the archive into docker load (needs root)', async () => {
  const path = await engine(
    `[ "$*" = load ] || exit 9\n/bin/cat > "$(dirname "$0")/got.tar"\necho Loaded image: my-app`,
  );
  const { code, stdout, stderr } = await buildAndLoad(path);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toMatch(
    /\nLoaded image: my-app\nLayers:\n.*COPY big \/\nBuilt my-app .* Next: docker run --rm my-app\n$/,
  );
  expect((await readFile(join(path, 'got.tar'))).includes('manifest.json')).toBe(true);
});

it.skipIf(rootOnly)('passes on what the engine says when it refuses (needs root)', async () => {
  const { code, stderr } = await buildAndLoad(await engine('echo no space >&2; exit 3'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/\nno space\nERROR: docker load failed with exit code 3\nhint: is the engine running\?\n$/);
});
