#!/usr/bin/env node
// Writes an image of a registry into an archive that `docker load`, podman and skopeo take.
//
//   node examples/oci/06-save-archive.mjs IMAGE FILE
// @ts-check
import { fromRegistry, parseReference, RegistryClient, toArchive } from '@tsbuild/oci/node';

const [name = '', file = ''] = process.argv.slice(2);
const reference = parseReference(name);
const client = new RegistryClient();
try {
  const image = await fromRegistry(client, reference);
  await toArchive([{ image, names: [reference] }], file);
  console.log(image.manifest.config.digest);
} finally {
  client.close();
}
