#!/usr/bin/env node
// Pulls, checks and pushes an image with one great layer (a registry on loopback, bytes that do not compress) in a process
// of its own, and prints the most memory that it had. Runs on the sources; needs docker-registry.
//
//   node bench/oci-memory.mjs [--mebibytes 2048] [--json]
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const MIB = 1024 * 1024;
const GNU_TIME = '/usr/bin/time';

const { values } = parseArgs({
  options: { mebibytes: { type: 'string', default: '2048' }, json: { type: 'boolean', default: false } },
});
const mebibytes = Number(values.mebibytes);
const directory = mkdtempSync(join(tmpdir(), 'oci-memory-'));

/** Bundles a module of the sources, so that no build is needed and none can be stale. */
async function bundled(path) {
  const outfile = join(directory, `${path.replaceAll(/\W/g, '-')}.mjs`);
  await build({
    entryPoints: [join(PROJECT, path)],
    outfile,
    bundle: true,
    target: 'node20',
    platform: 'node',
    format: 'esm',
    conditions: ['@tsbuild/source'],
    logLevel: 'error',
  });
  return outfile;
}

/** Puts an image with one layer of random bytes into the registry. */
async function prepare(oci, name) {
  const { appendLayers, compressLayer, DirectoryBlobStore, emptyImage, encodeTarHeader, END_OF_ARCHIVE } = oci;
  const blobs = new DirectoryBlobStore(join(directory, 'made'));
  const entry = { path: 'great', type: 'file', mode: 0o644, uid: 0, gid: 0, size: mebibytes * MIB, linkPath: '' };
  const header = encodeTarHeader({ ...entry, devMajor: 0, devMinor: 0, mtime: { seconds: 0, nanoseconds: 0 } });
  const tar = (async function* () {
    yield header;
    for (let i = 0; i < mebibytes; i++) yield randomBytes(MIB);
    yield END_OF_ARCHIVE;
  })();
  const { descriptor, diffID } = await compressLayer(tar, 'gzip', await blobs.create(), { level: 1 });
  const layer = { descriptor, diffID, open: () => blobs.open(descriptor.digest) };
  const image = appendLayers(emptyImage(oci.hostPlatform()), [{ layer }]);
  const client = new oci.RegistryClient();
  await oci.toRegistry(client, oci.parseReference(name), image);
  client.close();
  rmSync(join(directory, 'made'), { recursive: true });
}

/** Runs the program, under GNU time where that is there: a second opinion of the process's own. */
function measure(program, ...args) {
  const report = join(directory, 'time');
  const time = existsSync(GNU_TIME) ? [GNU_TIME, '--verbose', `--output=${report}`] : [];
  const [command, ...rest] = [...time, process.execPath, program, ...args];
  const start = performance.now();
  const steps = JSON.parse(execFileSync(command, rest, { encoding: 'utf8' }));
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const [, kibibytes] = time.length > 0 ? readFileSync(report, 'utf8').match(/Maximum resident.*: (\d+)/) : [];
  const peakMebibytes = kibibytes === undefined ? steps.at(-1).peakMebibytes : Math.round(kibibytes / 1024);
  return { mebibytes, peakMebibytes, seconds, steps };
}

let registry;
try {
  const testing = await import(pathToFileURL(await bundled('packages/oci/testing/docker-registry.ts')).href);
  const oci = await import(pathToFileURL(await bundled('packages/oci/src/node.ts')).href);
  const program = await bundled('bench/oci-memory/pull-check-push.mjs');
  registry = await testing.startDockerRegistry();
  const source = `${registry.host}/source:1`;
  await prepare(oci, source);
  const result = measure(program, source, `${registry.host}/target:1`, join(directory, 'layout'));
  if (values.json) console.log(JSON.stringify(result));
  else {
    console.log(`A layer of ${mebibytes} MiB pulled, checked and pushed in ${result.seconds} s.`);
    console.log(`Most memory: ${result.peakMebibytes} MiB`);
    for (const { name, seconds, peakMebibytes } of result.steps) {
      console.log(`  after ${name.padEnd(6)} ${String(peakMebibytes).padStart(5)} MiB  ${seconds} s`);
    }
  }
} finally {
  await registry?.stop();
  rmSync(directory, { recursive: true, force: true });
}
