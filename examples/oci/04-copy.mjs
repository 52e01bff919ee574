#!/usr/bin/env node
// Copies an image between registries with all its platforms, byte for byte: the digest stays.
//
//   node examples/oci/04-copy.mjs SOURCE TARGET
// @ts-check
import {
  fromRegistry,
  indexFromRegistry,
  isIndexType,
  parseReference,
  RegistryClient,
  toRegistry,
} from '@tsbuild/oci/node';

const [source, target] = process.argv.slice(2, 4).map(parseReference);
if (source === undefined || target === undefined) throw new Error('usage: 04-copy.mjs SOURCE TARGET');
const client = new RegistryClient();
try {
  const { mediaType } = await client.resolve(source);
  const image = isIndexType(mediaType) ? await indexFromRegistry(client, source) : await fromRegistry(client, source);
  const { digest } = await toRegistry(client, target, image, { parallel: 4 });
  console.log(digest);
} finally {
  client.close();
}
