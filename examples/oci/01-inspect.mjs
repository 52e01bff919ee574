#!/usr/bin/env node
// Says what an image of a registry is, without pulling its layers.
//
//   node examples/oci/01-inspect.mjs IMAGE [PLATFORM]
// @ts-check
import {
  formatPlatform,
  fromRegistry,
  hostPlatform,
  parsePlatform,
  parseReference,
  RegistryClient,
} from '@tsbuild/oci/node';

const [name = '', platform] = process.argv.slice(2);
const client = new RegistryClient();
try {
  const image = await fromRegistry(client, parseReference(name), {
    platform: platform === undefined ? hostPlatform() : parsePlatform(platform),
  });
  const { config, descriptor, layers, manifest } = image;
  const shown = {
    digest: descriptor.digest,
    id: manifest.config.digest,
    platform: formatPlatform(config),
    created: config.created,
    command: [...(config.config?.Entrypoint ?? []), ...(config.config?.Cmd ?? [])],
    labels: config.config?.Labels ?? {},
    layers: layers.map((layer) => ({
      digest: layer.descriptor.digest,
      size: layer.descriptor.size,
      diffID: layer.diffID,
    })),
  };
  console.log(JSON.stringify(shown, undefined, 2));
} finally {
  client.close();
}
