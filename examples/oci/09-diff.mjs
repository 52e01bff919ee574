#!/usr/bin/env node
// Says in what two images differ: config, layers, and the files that containers start with.
//
//   node examples/oci/09-diff.mjs BEFORE AFTER
// @ts-check
import { byteStringToUtf8, diffImages, fromRegistry, parseReference, RegistryClient } from '@tsbuild/oci/node';

const [before = '', after = ''] = process.argv.slice(2);
const client = new RegistryClient();
try {
  const [old, now] = await Promise.all([
    fromRegistry(client, parseReference(before)),
    fromRegistry(client, parseReference(after)),
  ]);
  const { config, layers, files } = await diffImages(old, now);
  for (const change of config) {
    console.log(`config ${change.path}: ${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}`);
  }
  console.log(`layers ${layers.shared} shared, ${layers.removed.length} removed, ${layers.added.length} added`);
  for (const { kind, path, fields } of files) {
    console.log(`${kind} /${byteStringToUtf8(path)} ${fields.join(',')}`.trimEnd());
  }
} finally {
  client.close();
}
