#!/usr/bin/env node
// Attaches a file (an SBOM, a report) to an image of a registry, and prints everything of its kind that is attached.
//
//   node examples/oci/13-attach.mjs IMAGE TYPE FILE
// @ts-check
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { artifactFromRegistry, attachArtifact, parseReference, RegistryClient } from '@tsbuild/oci/node';

const [name = '', artifactType = '', file = ''] = process.argv.slice(2);
const client = new RegistryClient();
const image = parseReference(name);
const content = await readFile(file);
await attachArtifact(client, image, {
  artifactType,
  files: [{ content, mediaType: artifactType, title: basename(file) }],
});
const { descriptor } = await client.manifest(image);
const { registry, repository } = image;
for (const { digest } of await client.referrers({ registry, repository, digest: descriptor.digest }, artifactType)) {
  const { files } = await artifactFromRegistry(client, { registry, repository, digest });
  for (const { title, descriptor: found } of files) console.log(digest, title ?? '', found.size);
}
client.close();
