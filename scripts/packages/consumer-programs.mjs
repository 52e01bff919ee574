// Programs of somebody who installed the libraries.

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

const BUILD = `
import { match, rejects, strictEqual } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, openExporter, silentReporter, Store } from '@tsbuild/builder';

mkdirSync('context');
writeFileSync('context/Dockerfile', 'FROM scratch\\nCOPY a /srv/a\\n');
writeFileSync('context/a', 'one');
const store = await Store.open(resolve('store'));
const { signal } = new AbortController();
const options = { context: resolve('context'), tags: ['a'], buildArgs: new Map(), environment: {}, pull: false, registry: {},
  noCache: false, network: 'default', isolation: 'auto', labels: new Map() };
const result = await build(options, store, silentReporter, signal);
match(result.image.id, /^sha256:/);
const exporter = await openExporter({ kind: 'files', directory: resolve('files') });
await exporter.export(result, { store, reporter: silentReporter, signal });
strictEqual(readFileSync('files/srv/a', 'utf8'), 'one');
// Runs programs, by a library that is bundled and was CommonJS.
const engine = await openExporter({ kind: 'engine', environment: { DOCKER_HOST: 'unix:///no/engine' } });
await rejects(engine.check().then(() => engine.export(result, { store, reporter: silentReporter, signal })), { code: 'EXPORT_FAILED' });
`;

const TYPED_BUILDER = `
import { BuildError, openExporter, Store, type BuildOptions, type Exporter, type ProgressReporter } from '@tsbuild/builder';
export const store: Promise<Store> = Store.open('/store');
export const exporter: Promise<Exporter> = openExporter({ kind: 'archive', to: 'image.tar' });
export const steps: ProgressReporter = { report: (event) => void (event.type === 'step-started' && event.id) };
export const tags = (options: BuildOptions): readonly string[] => options.tags;
export const isOurs = (error: unknown): boolean => error instanceof BuildError && error.code === 'COPY_FAILED';
// @ts-expect-error there is no such output
export const wrong = openExporter({ kind: 'floppy' });
`;

/** Name of the file → its text. @type {Readonly<Record<string, string>>} */
export const CONSUMER_PROGRAMS = {
  'use.mjs': USE,
  'use.cjs': REQUIRE,
  'build.mjs': BUILD,
  'core.ts': TYPED_CORE,
  'node.ts': TYPED_NODE,
  'builder.ts': TYPED_BUILDER,
};
