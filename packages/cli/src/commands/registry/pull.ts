import { Store, pullImage } from '@tsbuild/builder';
import { type Reference, familiarName, familiarRepository, formatReference, parseReference } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { openProgress, progressOption, reportFailure } from '../../output/open-progress.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { namesVersion } from '../image/names-version.ts';

/** `tsbuild pull`: an image of a registry into the store. */
export const pullCommand = defineCommand({
  name: 'pull',
  synopsis: 'NAME[:TAG|@DIGEST]',
  summary: 'Pull an image from a registry',
  options: {
    platform: {
      kind: 'value',
      placeholder: 'OS/ARCH[,…]|all',
      describe: "Which image of several (default: this machine's platform); the index with all of them, or with some",
    },
    progress: progressOption,
    quiet: { kind: 'flag', short: 'q', describe: "Show nothing but the image's name" },
    'all-tags': { kind: 'flag', short: 'a', describe: '', later: true },
    // Docker's content trust is not here, so there is nothing to disable.
    'disable-content-trust': { kind: 'flag', describe: '' },
  },
  operands: { min: 1, max: 1, what: 'the NAME of one image' },
  examples: [
    ['tsbuild pull node:18-alpine', 'Fetch node:18-alpine, if the registry has a newer one'],
    ['tsbuild pull --platform linux/arm64 alpine', 'Fetch the image for another machine'],
    ['tsbuild pull --platform all alpine', 'Fetch the images for all platforms, and their index'],
  ],
  async run({ options, operands, settings }, host) {
    const [name = ''] = operands;
    const reference = parseReference(name);
    const registry = await registryOptions(host);
    const store = await Store.open(settings.root);
    const { platform } = options;
    const say = (line: string) => void (options.quiet || host.stdout.write(`${sanitizeName(line)}\n`));
    if (!namesVersion(name)) say('Using default tag: latest');
    say(`${version(reference)}: Pulling from ${reference.repository}`);
    const progress = openProgress(options, host, { running: 'Pulling', done: 'Pulled in' });
    try {
      const { digest, upToDate } = await pullImage(formatReference(reference), {
        store,
        registry,
        reporter: progress.reporter,
        signal: host.signal,
        ...platformsOf(platform),
      });
      progress.close('done');
      say(`Digest: ${digest}`);
      say(`Status: ${upToDate ? 'Image is up to date' : 'Downloaded newer image'} for ${shownName(reference)}`);
      host.stdout.write(`${formatReference(reference)}\n`);
      return EXIT_OK;
    } catch (error) {
      progress.close('failed');
      return reportFailure(error, { progress, debug: settings.debug }, host);
    }
  },
});

/** One platform is an image by itself; several are the index with these images. */
function platformsOf(text: string | undefined): { platform?: string; platforms?: readonly string[] | 'all' } {
  if (!text) return {};
  if (text === 'all') return { platforms: 'all' };
  return text.includes(',') ? { platforms: text.split(',') } : { platform: text };
}

/** A tag by itself; a digest with the whole name, as docker does. */
function version(reference: Reference): string {
  return reference.digest === undefined ? (reference.tag ?? 'latest') : formatReference(reference);
}

function shownName(reference: Reference): string {
  const { digest } = reference;
  return digest === undefined ? familiarName(reference) : `${familiarRepository(reference)}@${digest}`;
}
