#!/usr/bin/env node
// Pulls an image of a registry into an OCI image layout, a directory that skopeo, umoci and buildah read too.
//
//   node examples/oci/02-pull.mjs IMAGE DIRECTORY
// @ts-check
import { formatReference, fromRegistry, parseReference, RegistryClient, toLayout } from '@tsbuild/oci/node';

const [name = '', directory = ''] = process.argv.slice(2);
const reference = parseReference(name);
const client = new RegistryClient({
  onProgress: ({ digest, total, done }) => {
    if (done) console.error(`${digest} ${total} bytes`);
  },
});
try {
  const image = await fromRegistry(client, reference);
  const { digest } = await toLayout(image, directory, { names: [reference] });
  console.log(`${formatReference(reference)}@${digest}`);
} finally {
  client.close();
}
