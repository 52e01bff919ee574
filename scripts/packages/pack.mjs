// Packs the three packages as they are published, from a fresh build: the workspace's own dist may be stale, and others may be
// reading it.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OFFLINE, PROJECT, program, run } from './run.mjs';

/** In the order of publishing: each needs those before it. */
export const PACKAGES = ['oci', 'builder', 'cli'];

/**
 * A package as npm would publish it.
 * @typedef {{ readonly name: string, readonly tarball: string, readonly bytes: number, readonly files: readonly string[] }} Packed
 */

/**
 * Builds and packs every package.
 * @param {string} target an empty directory, for the tarballs
 * @param {string} work an empty directory, for what they are made of
 * @returns {Readonly<Record<string, Packed>>}
 */
export function packAll(target, work) {
  return Object.fromEntries(
    PACKAGES.map((name) => {
      const stage = join(work, name);
      copySources(name, stage);
      BUILDS[name](join(stage, 'dist'), work);
      const args = ['pack', '--json', ...OFFLINE, '--pack-destination', target];
      const [{ filename, size, files }] = JSON.parse(run(stage, 'npm', ...args));
      const packed = { name: `@tsbuild/${name}`, tarball: join(target, filename), bytes: size };
      return [name, { ...packed, files: files.map(({ path }) => path) }];
    }),
  );
}

function copySources(name, stage) {
  mkdirSync(stage);
  for (const part of ['package.json', 'README.md', 'LICENSE', ...(name === 'oci' ? ['src'] : [])]) {
    const source = join(PROJECT, 'packages', name, part);
    if (!existsSync(source)) throw new Error(`packages/${name} has no ${part}: a package needs one`);
    cpSync(source, join(stage, part), { recursive: true });
  }
}

const BUILDS = {
  oci(dist) {
    run(PROJECT, program('tsc'), '-p', 'packages/oci', '--emitDeclarationOnly', '--outDir', dist);
    run(PROJECT, process.execPath, 'scripts/bundle-oci.mjs', dist);
  },
  builder(dist, work) {
    run(PROJECT, program('tsc'), '-p', builderProject(dist, work), '--emitDeclarationOnly');
    run(PROJECT, process.execPath, 'scripts/bundle-builder.mjs', dist);
  },
  cli(dist) {
    run(PROJECT, process.execPath, 'scripts/bundle.mjs', dist);
  },
};

/** A project of tsc's in which the builder sees the declarations that were made just now, and not those of the workspace. */
function builderProject(dist, work) {
  const made = (entry) => [join(work, 'oci/dist', `${entry}.d.ts`)];
  const source = join(PROJECT, 'packages/builder/src');
  const file = join(work, 'builder.tsconfig.json');
  const config = {
    extends: join(PROJECT, 'packages/builder/tsconfig.json'),
    compilerOptions: {
      outDir: dist,
      rootDir: source,
      typeRoots: [join(PROJECT, 'node_modules/@types')],
      paths: {
        '@tsbuild/oci': made('index'),
        '@tsbuild/oci/node': made('node'),
        '@tsbuild/oci/internal': made('internal'),
      },
    },
    include: [source],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}
