#!/usr/bin/env node
// Builds a Dockerfile, and writes the files of the image to a directory and the image itself to an archive for docker load.
//
//   node examples/builder/01-build-and-export.mjs CONTEXT NAME DIRECTORY ARCHIVE
// @ts-check
import { resolve } from 'node:path';
import { build, openExporter, silentReporter, Store } from '@tsbuild/builder';

const [context = '.', name = 'app', directory = 'files', archive = 'image.tar'] = process.argv.slice(2);
const store = await Store.open(resolve(process.env['TSBUILD_ROOT'] ?? 'store'));
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const exporters = [
  await openExporter({ kind: 'files', directory: resolve(directory) }),
  await openExporter({ kind: 'archive', to: resolve(archive) }),
];
// A build of minutes should not end with a place that cannot be written to.
for (const exporter of exporters) await exporter.check();

const result = await build(
  {
    context: resolve(context),
    tags: [name],
    buildArgs: new Map(),
    environment: process.env,
    pull: false,
    registry: {},
    noCache: false,
    network: 'default',
    isolation: 'auto',
    labels: new Map(),
  },
  store,
  silentReporter,
  stop.signal,
);
for (const exporter of exporters) {
  await exporter.export(result, { store, reporter: silentReporter, signal: stop.signal });
}
console.log(result.image.id);
