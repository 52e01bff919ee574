#!/usr/bin/env node
// Writes the files that a container of an image starts with into one tar, as `docker export` does.
//
//   node examples/oci/08-flatten.mjs IMAGE FILE
// @ts-check
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { exportTree, fromRegistry, parseReference, RegistryClient } from '@tsbuild/oci/node';

const [name = '', file = ''] = process.argv.slice(2);
const client = new RegistryClient();
try {
  const image = await fromRegistry(client, parseReference(name));
  await pipeline(exportTree(image), createWriteStream(file));
} finally {
  client.close();
}
