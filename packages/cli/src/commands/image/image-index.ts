import { type IndexSource, makeIndex, pushNewIndex, Store } from '@tsbuild/builder';
import { type Layout, parseReference } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { UsageError } from '../../host/usage-error.ts';
import { PUSHING } from '../../output/board.ts';
import { openProgress, progressOption, reportFailure } from '../../output/open-progress.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { indexPlace } from './index-place.ts';
import { parseIndexAnnotations } from './index-annotations.ts';

/** `tsbuild image index`: one multi-platform image of images that several machines built. */
export const imageIndexCommand = defineCommand({
  name: 'image index',
  synopsis: 'NAME[:TAG] SOURCE [SOURCE…]',
  summary: 'Make a multi-platform image from images that were built for one platform each',
  options: {
    annotation: {
      kind: 'list',
      placeholder: '[TYPE:]KEY=VALUE',
      describe: 'Annotate the index, or with manifest-descriptor[PLATFORM]: one of its entries',
    },
    push: { kind: 'flag', describe: 'Write the index to the registry in its name, and fetch no layers' },
    referrers: {
      kind: 'flag',
      describe: 'With --push: also copy the signatures and SBOMs of images in other repositories',
    },
    progress: progressOption,
    quiet: { kind: 'flag', short: 'q', describe: 'Show nothing but the digest' },
  },
  operands: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    what: 'a NAME and the SOURCEs: images of the store or a registry, archives, oci-layout://DIR[:TAG]',
  },
  examples: [
    ['tsbuild image index my-app my-app:amd64 my-app:arm64', 'From two images of the store'],
    ['tsbuild image index my-app ./amd64.tar ./arm64.tar', 'From archives that two machines built'],
    ['tsbuild image index --push ghcr.io/me/app ghcr.io/me/app@sha256:… ghcr.io/me/app@sha256:…', 'In a registry'],
  ],
  async run({ options, operands, settings }, host) {
    const [name = '', ...texts] = operands;
    parseReference(name);
    if (options.referrers && !options.push) {
      throw new UsageError('--referrers needs --push: a store keeps no signatures', { command: 'image index' });
    }
    const annotations = parseIndexAnnotations(options.annotation);
    const registry = await registryOptions(host);
    const store = await Store.open(settings.root);
    const sources = await sourcesOf(texts, store.layout, host);
    const progress = openProgress(options, host, options.push ? PUSHING : { running: 'Fetching', done: 'Fetched in' });
    const work = { store, registry, ...annotations, reporter: progress.reporter, signal: host.signal };
    try {
      if (options.push) {
        const { digest, size } = await pushNewIndex(name, sources, { ...work, referrers: options.referrers });
        progress.close('done');
        if (!options.quiet) host.stderr.write(`${sanitizeName(name)}: digest: ${digest} size: ${size}\n`);
        host.stdout.write(`${digest}\n`);
      } else {
        const { descriptor } = await makeIndex(name, sources, work);
        progress.close('done');
        host.stdout.write(`${descriptor.digest}\n`);
      }
      return EXIT_OK;
    } catch (error) {
      progress.close('failed');
      return reportFailure(error, { progress, debug: settings.debug }, host);
    }
  },
});

/** Paths say that they are paths; other words are an image of the store, else of a registry. */
async function sourcesOf(texts: readonly string[], layout: Layout, host: Host): Promise<readonly IndexSource[]> {
  const sources: IndexSource[] = [];
  for (const text of texts) {
    const place = indexPlace(text, host.cwd);
    if (place !== undefined) sources.push(place);
    else if ((await layout.find(text)) !== undefined) sources.push({ kind: 'store', image: text });
    else {
      parseReference(text);
      sources.push({ kind: 'registry', reference: text });
    }
  }
  return sources;
}
