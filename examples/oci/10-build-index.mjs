#!/usr/bin/env node
// Makes one image for several platforms out of images for one each, and pushes it.
//
//   node examples/oci/10-build-index.mjs TARGET IMAGE…
// @ts-check
import {
  formatPlatform,
  fromRegistry,
  indexOfImages,
  parseReference,
  RegistryClient,
  toRegistry,
} from '@tsbuild/oci/node';

const [target = '', ...names] = process.argv.slice(2);
const client = new RegistryClient();
try {
  const images = await Promise.all(names.map((name) => fromRegistry(client, parseReference(name))));
  const index = indexOfImages(images);
  const { digest } = await toRegistry(client, parseReference(target), index);
  console.log(digest, index.index.manifests.map(({ platform }) => platform && formatPlatform(platform)).join(' '));
} finally {
  client.close();
}
