#!/usr/bin/env node
// Adds the files of a directory and a label to an image, and pushes the result. The layers of the source are not read:
// a push into another repository of the same registry mounts them.
//
//   node examples/oci/03-add-layer.mjs SOURCE TARGET DIRECTORY LABEL=VALUE
// @ts-check
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  appendLayers,
  compressLayer,
  diffDirectories,
  DirectoryBlobStore,
  fromRegistry,
  parseReference,
  RegistryClient,
  toRegistry,
  withLabels,
} from '@tsbuild/oci/node';

const [source = '', target = '', directory = '', label = ''] = process.argv.slice(2);
const equals = label.indexOf('=');
const client = new RegistryClient();
const temporary = await mkdtemp(join(tmpdir(), 'add-layer-'));
try {
  const base = await fromRegistry(client, parseReference(source));

  const blobs = new DirectoryBlobStore(temporary);
  const tar = await diffDirectories(undefined, directory, await blobs.create(), { owner: { uid: 0, gid: 0 } });
  const { descriptor, diffID } = await compressLayer(blobs.open(tar.digest), 'gzip', await blobs.create());
  const layer = { descriptor, diffID, open: () => blobs.open(descriptor.digest) };

  const added = appendLayers(base, [{ layer, history: { created_by: `add ${directory}` } }]);
  const labelled = withLabels(added, { [label.slice(0, equals)]: label.slice(equals + 1) });
  const { digest } = await toRegistry(client, parseReference(target), labelled);
  console.log(digest);
} finally {
  client.close();
  await rm(temporary, { recursive: true, force: true });
}
