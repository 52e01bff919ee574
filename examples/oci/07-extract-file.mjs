#!/usr/bin/env node
// Writes one file of an image to stdout. Symlinks are followed inside the image; nothing is unpacked.
//
//   node examples/oci/07-extract-file.mjs IMAGE /etc/os-release
// @ts-check
import { pipeline } from 'node:stream/promises';
import { extractFile, fromRegistry, parseReference, RegistryClient } from '@tsbuild/oci/node';

const [name = '', path = ''] = process.argv.slice(2);
const client = new RegistryClient();
try {
  const image = await fromRegistry(client, parseReference(name));
  const { content } = await extractFile(image, path);
  await pipeline(content, process.stdout);
} finally {
  client.close();
}
