#!/usr/bin/env node
// Checks @tsbuild/oci as those get it who install it: packs it, lets publint and attw judge the tarball, installs that in a
// fresh directory, and uses both entries from plain JavaScript, from CommonJS and from TypeScript. Needs no network: what
// the package depends on is packed from node_modules.
//
//   node scripts/check-packages.mjs
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = join(PROJECT, 'packages/oci');
const { dependencies } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
/** For the compiler only. */
const TYPES = ['@types/node', 'undici-types'];

const program = (name) => join(PROJECT, 'node_modules/.bin', name);

/** Runs a program and returns its output; its failure carries all that it said. */
function run(cwd, command, ...args) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
    throw new Error(`${basename(command)} ${args.join(' ')}\n${said || error.message}`, { cause: error });
  }
}

/** Packs a package folder into `target`; returns the path of the tarball and the files in it. */
function pack(folder, target) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', target];
  const [{ filename, files }] = JSON.parse(run(folder, 'npm', ...args));
  return { tarball: join(target, filename), files: files.map(({ path }) => path) };
}

/** Packs a fresh build; the workspace's own dist may be stale, and others may be reading it. */
function packOurs(directory) {
  const stage = join(directory, 'stage');
  mkdirSync(stage);
  for (const name of ['package.json', 'README.md', 'LICENSE', 'src']) {
    cpSync(join(PACKAGE, name), join(stage, name), { recursive: true });
  }
  const dist = join(stage, 'dist');
  run(PROJECT, program('tsc'), '-p', PACKAGE, '--emitDeclarationOnly', '--outDir', dist);
  run(PROJECT, process.execPath, 'scripts/bundle-oci.mjs', dist);
  const { tarball, files } = pack(stage, directory);
  const strange = files.filter(
    (path) => !/^(?:dist\/.*\.(?:js|d\.ts)(?:\.map)?|src\/.*\.ts|package\.json|README\.md|LICENSE)$/.test(path),
  );
  if (strange.length > 0) throw new Error(`the tarball holds what it should not: ${strange.join(', ')}`);
  return tarball;
}

/** A project of somebody else, with the tarball installed. */
function install(directory, tarball) {
  const consumer = join(directory, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const others = [...Object.keys(dependencies), ...TYPES].map(
    (name) => pack(join(PROJECT, 'node_modules', name), directory).tarball,
  );
  run(consumer, 'npm', 'install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...others);
  return consumer;
}

const USE = `
import { deepStrictEqual, strictEqual } from 'node:assert';
import * as core from '@tsbuild/oci';
import { appendLayers, emptyImage, encodeTarHeader, END_OF_ARCHIVE, MemoryBlobStore, parseReference, withConfig } from '@tsbuild/oci';
import * as node from '@tsbuild/oci/node';

strictEqual(node.parseReference, core.parseReference);
const content = Buffer.from('hello');
const entry = { path: 'hello', type: 'file', mode: 0o644, uid: 0, gid: 0, size: content.length, linkPath: '', devMajor: 0,
  devMinor: 0, mtime: { seconds: 0, nanoseconds: 0 } };
const tar = [encodeTarHeader(entry), content, Buffer.alloc(512 - content.length), END_OF_ARCHIVE];
const blobs = new MemoryBlobStore();
const { descriptor, diffID } = await node.compressLayer((async function* () { yield* tar; })(), 'gzip', await blobs.create());
const layer = { descriptor, diffID, open: () => blobs.open(descriptor.digest) };
const image = withConfig(appendLayers(emptyImage({ os: 'linux', architecture: 'amd64' }), [{ layer }]), { Cmd: ['/hello'] });
await node.toArchive([{ image, names: [parseReference('hello:1')] }], 'hello.tar');
const read = await node.fromArchive('hello.tar');
deepStrictEqual(read.descriptor.digest, image.descriptor.digest);
const file = await node.extractFile(read, '/hello');
for await (const chunk of file.content) strictEqual(Buffer.from(chunk).toString(), 'hello');
new node.RegistryClient().close();
`;

const REQUIRE = `
const { strictEqual } = require('node:assert');
strictEqual(require('@tsbuild/oci').familiarName(require('@tsbuild/oci/node').parseReference('a')), 'a:latest');
`;

const TYPED_CORE = `
import { MemoryBlobStore, OciError, parseReference, sha256Digest, type Digest, type Image } from '@tsbuild/oci';
export const digest: Digest = sha256Digest('text');
export const name: string = parseReference('a').repository;
export const layers = (image: Image): readonly Digest[] => image.layers.map(({ diffID }) => diffID);
export const blobs = new MemoryBlobStore();
export const isOurs = (error: unknown): boolean => error instanceof OciError && error.code === 'DIGEST_INVALID';
`;

const TYPED_NODE = `
import { fromRegistry, Layout, RegistryClient, type Image, type StoredImage } from '@tsbuild/oci/node';
import { parseReference } from '@tsbuild/oci';
export const image = (name: string): Promise<Image> => fromRegistry(new RegistryClient(), parseReference(name));
export const stored = async (): Promise<readonly StoredImage[]> => (await Layout.open('layout')).images();
// @ts-expect-error a name is not yet a reference
export const wrong = fromRegistry(new RegistryClient(), 'alpine');
`;

/** Strict, and the declarations of the package themselves are checked. */
const STRICT = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--skipLibCheck',
  'false',
  '--target',
  'es2022',
];
const BROWSER = ['--lib', 'es2022,dom', '--types', '', '--module', 'esnext', '--moduleResolution', 'bundler'];
const NODE = ['--lib', 'es2022', '--types', 'node', '--module', 'nodenext'];

const CHECKS = [
  ['publint', ({ tarball }) => run(PROJECT, program('publint'), '--strict', tarball)],
  ['attw', ({ tarball }) => run(PROJECT, program('attw'), '--profile', 'esm-only', '--no-emoji', tarball)],
  ['plain JavaScript', ({ consumer }) => run(consumer, process.execPath, 'use.mjs')],
  ['CommonJS', ({ consumer }) => run(consumer, process.execPath, 'use.cjs')],
  [
    'an example of the README',
    ({ consumer }) => run(consumer, process.execPath, '05-load-archive.mjs', 'hello.tar', 'layout', 'hello:1'),
  ],
  [
    'types of the core, for browsers',
    ({ consumer }) => run(consumer, program('tsc'), ...STRICT, ...BROWSER, 'core.ts'),
  ],
  ['types of the Node entry', ({ consumer }) => run(consumer, program('tsc'), ...STRICT, ...NODE, 'node.ts')],
];

const directory = mkdtempSync(join(tmpdir(), 'check-packages-'));
try {
  const tarball = packOurs(directory);
  const consumer = install(directory, tarball);
  for (const [name, text] of [
    ['use.mjs', USE],
    ['use.cjs', REQUIRE],
    ['core.ts', TYPED_CORE],
    ['node.ts', TYPED_NODE],
  ]) {
    writeFileSync(join(consumer, name), text);
  }
  cpSync(join(PROJECT, 'examples/oci/05-load-archive.mjs'), join(consumer, '05-load-archive.mjs'));
  for (const [name, check] of CHECKS) {
    try {
      check({ tarball, consumer });
      console.log(`ok     ${name}`);
    } catch (error) {
      console.log(`FAILED ${name}\n${error.message}`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
