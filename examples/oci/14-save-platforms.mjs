#!/usr/bin/env node
// Saves an image of a registry for all its platforms as one archive, and prints what that holds.
//
//   node examples/oci/14-save-platforms.mjs IMAGE FILE
// @ts-check
import {
  formatPlatform, indexFromArchive, indexFromRegistry, parseReference, RegistryClient, toArchive,
} from '@tsbuild/oci/node'; // biome-ignore format: one list

const [name = '', file = ''] = process.argv.slice(2);
const client = new RegistryClient();
const image = await indexFromRegistry(client, parseReference(name));
await toArchive([{ image, names: [parseReference(name)] }], file);
client.close();
const saved = await indexFromArchive(file);
for (const { platform, digest } of saved.index.manifests) {
  console.log(platform === undefined ? 'unknown' : formatPlatform(platform), digest);
}
