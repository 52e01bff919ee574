import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { copyImage, type CopyPlace, parseReference, RegistryClient } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { UsageError } from '../../host/usage-error.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { indexPlace } from './index-place.ts';

/** `tsbuild image copy`: an image between registries and layouts as it is, with its signatures. */
export const imageCopyCommand = defineCommand({
  name: 'image copy',
  synopsis: 'SOURCE TARGET',
  summary: 'Copy an image with all platforms, attestations and signatures between registries and OCI layouts',
  options: { quiet: { kind: 'flag', short: 'q', describe: 'Print only the digest' } },
  operands: { min: 2, max: 2, what: 'a SOURCE and a TARGET: a NAME in a registry, or oci-layout://DIR[:TAG]' },
  examples: [
    ['tsbuild image copy ghcr.io/me/app:1.2 registry.example/app:1.2', 'From one registry to another'],
    ['tsbuild image copy ghcr.io/me/app:1.2 oci-layout://app', 'Into a directory, to carry it elsewhere'],
    ['tsbuild image copy oci-layout://app registry.example/app:1.2', 'From there into a registry'],
  ],
  async run({ options, operands: [source = '', target = ''] }, host) {
    const from = placeOf(source, host);
    const to = targetOf(target, host);
    const client = new RegistryClient(await registryOptions(host));
    try {
      const { descriptor, referrers } = await copyImage(client, from, to, { signal: host.signal });
      if (!options.quiet) {
        const what = referrers.length === 1 ? 'signature or other attachment' : 'signatures and other attachments';
        host.stderr.write(`${sanitizeName(source)} to ${sanitizeName(target)}, with ${referrers.length} ${what}\n`);
      }
      host.stdout.write(`${descriptor.digest}\n`);
      return EXIT_OK;
    } finally {
      client.close();
    }
  },
});

function placeOf(text: string, host: Host): CopyPlace {
  const place = indexPlace(text, host.cwd);
  if (place?.kind === 'layout') {
    const { path, image } = place;
    return { kind: 'layout', path, ...(image !== undefined && { image }) };
  }
  if (place?.kind === 'archive') {
    throw new UsageError(`image copy does not read archives: ${text}`, {
      hint: 'unpack an OCI archive with tar and use oci-layout://DIR; tsbuild load takes any archive into the store',
      command: 'image copy',
    });
  }
  return { kind: 'registry', reference: parseReference(place?.kind === 'registry' ? place.reference : text) };
}

/** A layout may be a new directory, so its path is no SOURCE. */
function targetOf(text: string, host: Host): CopyPlace {
  const directory = /^oci-layout:\/\/(.+)$/s.exec(text)?.[1];
  const path = directory ?? (/^\.{0,2}\//.test(text) ? text : undefined);
  if (path === undefined) return placeOf(text, host);
  const tag = /:[\w][\w.-]*$/.exec(path)?.[0];
  if (tag !== undefined && statSync(resolve(host.cwd, path), { throwIfNoEntry: false }) === undefined) {
    throw new UsageError(`a copy in a layout keeps its name: write the TARGET without ${tag}`, {
      command: 'image copy',
    });
  }
  return { kind: 'layout', path: resolve(host.cwd, path) };
}
