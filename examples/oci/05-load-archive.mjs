#!/usr/bin/env node
// Reads the archive of a `docker save` (or an OCI archive, plain or compressed) and puts its image into an OCI layout.
//
//   node examples/oci/05-load-archive.mjs ARCHIVE DIRECTORY NAME
// @ts-check
import { fromArchive, parseReference, toLayout } from '@tsbuild/oci/node';

const [archive = '', directory = '', name = ''] = process.argv.slice(2);
const image = await fromArchive(archive);
await toLayout(image, directory, { names: [parseReference(name)] });
console.log(`${image.manifest.config.digest} ${image.layers.length} layers`);
