import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYOUT_NAMES } from '@tsbuild/oci/internal';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../../oci/testing/docker-registry.ts';
import { pullImage } from '../../src/transfer/pull.ts';
import { createContainer } from '../../src/container/create-container.ts';
import { isStoreName, STORE_DIRECTORIES } from '../../src/disk/store-paths.ts';
import { pushImage } from '../../src/transfer/push.ts';
import { checkStore } from '../../src/fsck/store-check.ts';
import { pruneCache } from '../../src/store/store-cache.ts';
import { BuildBench } from '../../testing/build-bench.ts';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';

const signal = new AbortController().signal;
const silent = { report: (): void => {} };

describe.skipIf(NO_SANDBOX !== '')(`the directories of a store${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());
  const strangers = (): readonly string[] => readdirSync(bench.store.root).filter((name) => !isStoreName(name));

  it('a build that uses everything makes none without a name', async () => {
    const server = createServer((_, response) => response.end('downloaded'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/f`;
    const context = bench.files('context', {
      Dockerfile: [
        'FROM busybox AS one',
        'COPY f /f',
        `ADD ${url} /g`,
        'RUN --mount=type=cache,id=c,target=/c --mount=type=bind,target=/b echo x >/c/x; cat /b/f /g',
        'RUN dd if=/dev/zero of=/a bs=1000000 count=2 2>/dev/null',
        'RUN chown app /a',
        'FROM one',
        'COPY --from=one /f /h',
      ].join('\n'),
      f: 'f',
    });
    try {
      const dockerfile = join(context, 'Dockerfile');
      await bench.buildIn(context, { tags: ['app'], dockerfile });
      await bench.buildIn(context, { dockerfile, noCache: true });
    } finally {
      server.close();
    }
    expect(strangers()).toEqual([]);
    // Whether it made what the names stand for; of the rest the next test sees.
    const made = readdirSync(bench.store.root);
    for (const name of ['records', 'cache-mounts', 'sources', 'stat', 'builds', 'explain', 'checks', 'sandbox']) {
      expect(made).toContain(name);
    }
  });

  it.skipIf(SKIP_REGISTRY)(`nor do a container, a push, a pull, a check and a prune${NO_REGISTRY}`, async () => {
    const nothing = { command: ['true'], environment: [], labels: new Map<string, string>(), binds: [], tmpfs: [] };
    const switches = { terminal: false, openStdin: false, readOnly: false, init: false, autoRemove: false } as const;
    const volumes = [{ name: 'kept', destination: '/kept', readOnly: false, noCopy: false }];
    const options = { ...nothing, ...switches, volumes, volumesFrom: [], ports: [], hosts: [] };
    await createContainer({ ...options, image: 'busybox', network: 'none', isolation: 'auto' }, bench.store, {
      notice: () => {},
      signal,
    });
    const registry = await startDockerRegistry();
    try {
      const name = `${registry.host}/app:1`;
      await bench.build('FROM busybox\nLABEL a=b\n', { tags: [name] });
      await pushImage(name, { store: bench.store, registry: {}, reporter: silent, signal });
      await bench.store.layout.remove(name);
      await pullImage(name, { store: bench.store, registry: {}, reporter: silent, signal });
    } finally {
      await registry.stop();
    }
    expect(strangers()).toEqual([]);
    await checkStore(bench.store.root, { repair: true }, signal);
    await pruneCache(bench.store, { all: true }, signal);
    expect(strangers()).toEqual([]);
    const made = readdirSync(bench.store.root);
    for (const name of ['containers', 'container-names', 'volumes', 'snapshots', 'remotes'])
      expect(made).toContain(name);
  });
});

describe('the names of a store', () => {
  it('stand in two files: those of an image layout, and those of the builder', () => {
    const packages = resolve(import.meta.dirname, '../../..');
    const names = [...Object.values(LAYOUT_NAMES), ...STORE_DIRECTORIES].join('|').replaceAll('.', '\\.');
    const literal = new RegExp(`join\\([^;]*?[\\w)], '(?:${names})'[,)]|\\broot\\}/(?:${names})\\b`, 'g');
    const found = ['oci', 'builder', 'cli'].flatMap((name) => {
      const source = join(packages, name, 'src');
      return readdirSync(source, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.name.endsWith('.ts'))
        .map((entry) => join(entry.parentPath, entry.name))
        .flatMap((file) => {
          const text = readFileSync(file, 'utf8').replaceAll(/\.?(?:directory|storePath)\([^)]*\)/g, 'path');
          return [...text.matchAll(literal)].map(([match]) => `${relative(packages, file)}: ${match}`);
        });
    });
    expect(dirname(packages)).not.toBe('/');
    expect(found).toEqual([]);
  });
});
