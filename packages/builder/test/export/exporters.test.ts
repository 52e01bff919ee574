import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReference } from '@tsbuild/oci';
import { fromArchive, fromLayout, fromRegistry, RegistryClient } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { openExporter } from '../../src/export/open-exporter.ts';
import { silentReporter } from '../../src/progress/reporter.ts';
import { BuildBench } from '../../testing/build-bench.ts';
import { exporterContract, filesOf, filesOfTar } from '../../testing/exporter-contract.ts';

const NAME = 'docker.io/library/app:1';

/** Takes what `docker load` is given, but only a whole archive, as an engine does. */
const DOCKER = `#!/bin/sh
[ "$*" = load ] || exit 9
here=$(dirname "$0")
cat >"$here/part"
tar -tf "$here/part" 2>/dev/null | grep -q ^manifest.json && mv "$here/part" "$here/got.tar" && echo Loaded && exit
rm "$here/part"; exit 1
`;

exporterContract('archive', async (directory) => {
  const path = join(directory, 'image.tar');
  return {
    target: { kind: 'archive', to: path },
    name: NAME,
    directory,
    taken: [{ kind: 'archive', to: join(directory, 'missing/image.tar') }],
    read: async () => (existsSync(path) ? filesOf(await fromArchive(path, { name: NAME })) : undefined),
  };
});

exporterContract('tar', async (directory) => {
  const path = join(directory, 'files.tar');
  return {
    target: { kind: 'tar', to: path },
    name: NAME,
    directory,
    taken: [{ kind: 'tar', to: join(directory, 'missing/files.tar') }],
    read: async () => (existsSync(path) ? filesOfTar(createReadStream(path)) : undefined),
  };
});

exporterContract('files', async (directory) => {
  const path = join(directory, 'files');
  const file = join(directory, 'taken');
  await writeFile(file, '');
  return {
    target: { kind: 'files', directory: path },
    name: NAME,
    directory,
    taken: [{ kind: 'files', directory: file }],
    read: async () => {
      if (!existsSync(path)) return undefined;
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const texts = files.map(async (name) => `${name.slice(path.length + 1)}=${await readFile(name, 'utf8')}`);
      return (await Promise.all(texts)).toSorted();
    },
  };
});

exporterContract('layout', async (directory) => {
  const path = join(directory, 'layout');
  const full = join(directory, 'full');
  await mkdir(full);
  await writeFile(join(full, 'file'), '');
  return {
    target: { kind: 'layout', directory: path },
    name: NAME,
    directory,
    taken: [
      { kind: 'layout', directory: full },
      { kind: 'layout', directory: join(full, 'file') },
      { kind: 'layout', directory: join(directory, 'missing/layout') },
    ],
    read: async () => (existsSync(path) ? filesOf(await fromLayout(path, NAME)) : undefined),
  };
});

exporterContract('engine', async (directory) => {
  // What the engine keeps of its own is not ours to look at.
  const bin = join(directory, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'docker'), DOCKER);
  await chmod(join(bin, 'docker'), 0o755);
  const got = join(bin, 'got.tar');
  return {
    target: {
      kind: 'engine',
      environment: { PATH: `${bin}:${process.env['PATH']}`, DOCKER_HOST: `unix://${directory}/none.sock` },
    },
    name: NAME,
    directory,
    read: async () => (existsSync(got) ? filesOf(await fromArchive(got, { name: NAME })) : undefined),
  };
});

describe.skipIf(SKIP_REGISTRY)(`with a real registry${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let repositories = 0;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry.stop());

  exporterContract('registry', async (directory) => {
    const name = `${registry.host}/app-${repositories++}:1`;
    return {
      target: { kind: 'registry', registry: { environment: {} } },
      name,
      directory,
      read: async () => {
        const client = new RegistryClient({ environment: {} });
        try {
          return await filesOf(await fromRegistry(client, parseReference(name)));
        } finally {
          client.close();
        }
      },
    };
  });
});

describe('an exporter', () => {
  it('gives a sink the bytes of the file, and leaves the sink open', async () => {
    await using bench = await BuildBench.make();
    const { image } = await bench.build('FROM scratch\nCOPY a /\n', { context: bench.files('context', { a: 'one' }) });
    const work = { store: bench.store, reporter: silentReporter, signal: new AbortController().signal };
    for (const kind of ['archive', 'tar'] as const) {
      const [path, chunks] = [join(bench.directory, kind), new Array<Uint8Array>()];
      const keep = (chunk: Uint8Array): void => void chunks.push(chunk);
      await (await openExporter({ kind, to: path })).export({ image, names: [NAME] }, work);
      await (await openExporter({ kind, to: keep })).export({ image, names: [NAME] }, work);
      expect(Buffer.concat(chunks).equals(await readFile(path))).toBe(true);
    }
  });

  it('without a docker command says so, and what to do', async () => {
    await using bench = await BuildBench.make();
    const { image } = await bench.build('FROM scratch\nCOPY a /\n', { context: bench.files('context', { a: 'one' }) });
    const work = { store: bench.store, reporter: silentReporter, signal: new AbortController().signal };
    const environment = { PATH: '/nonexistent', DOCKER_HOST: 'unix:///nonexistent' };
    const exporter = await openExporter({ kind: 'engine', environment });
    await expect(exporter.export({ image, names: [NAME] }, work)).rejects.toMatchObject({
      code: 'EXPORT_FAILED',
      message: expect.stringContaining('docker command'),
      hint: expect.stringContaining('docker load'),
    });
  });
});
