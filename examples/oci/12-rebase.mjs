#!/usr/bin/env node
// Puts what an image has on top of its old base onto a new base, and pushes the result. No layer is read.
//
//   node examples/oci/12-rebase.mjs IMAGE OLD_BASE NEW_BASE TARGET
// @ts-check
import { fromRegistry, parseReference, rebase, RegistryClient, toRegistry } from '@tsbuild/oci/node';

const [target = '', ...names] = process.argv.slice(2).toReversed();
const client = new RegistryClient();
try {
  const images = names.toReversed().map((name) => fromRegistry(client, parseReference(name)));
  const [image, oldBase, newBase] = await Promise.all(images);
  if (image === undefined || oldBase === undefined || newBase === undefined) throw new Error('four names are needed');
  const { digest } = await toRegistry(client, parseReference(target), rebase(image, oldBase, newBase));
  console.log(digest);
} finally {
  client.close();
}
