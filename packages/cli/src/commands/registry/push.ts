import { Store, pushImage } from '@tsbuild/builder';
import { formatReference, parsePlatform, parseReference } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { openProgress, progressOption, reportFailure } from '../../output/open-progress.ts';
import { PUSHING } from '../../output/board.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { pushSigning } from '../../registry/signature-keys.ts';
import { namesVersion } from '../image/names-version.ts';

/** `tsbuild push`: an image of the store into the registry that its name tells. */
export const pushCommand = defineCommand({
  name: 'push',
  synopsis: 'NAME[:TAG]',
  summary: 'Push an image to the registry in its name',
  options: {
    progress: progressOption,
    quiet: { kind: 'flag', short: 'q', describe: "Show nothing but the image's name" },
    'all-tags': { kind: 'flag', short: 'a', describe: '', later: true },
    platform: {
      kind: 'value',
      placeholder: 'OS/ARCH',
      describe: 'Push one platform of a multi-platform image (default: the index with all of them)',
    },
    referrers: {
      kind: 'flag',
      describe: 'Also copy the signatures and SBOMs of an image that was pulled',
    },
    sign: {
      kind: 'value',
      placeholder: 'key=FILE',
      describe: 'Sign the image with a private key before its tag moves (see tsbuild image sign)',
    },
    // Docker's content trust is not here, so there is nothing to disable.
    'disable-content-trust': { kind: 'flag', describe: '' },
  },
  operands: { min: 1, max: 1, what: 'the NAME of one image' },
  examples: [
    ['tsbuild push ghcr.io/me/my-app:1.2', 'Send an image to ghcr.io'],
    ['tsbuild tag my-app localhost:5000/my-app && tsbuild push localhost:5000/my-app', 'To a registry of your own'],
  ],
  async run({ options, operands, settings }, host) {
    const [name = ''] = operands;
    const reference = parseReference(name);
    if (reference.digest !== undefined) {
      throw new UsageError('cannot push a digest reference', {
        hint: 'name a tag: the digest depends on the content',
        command: 'push',
      });
    }
    const sign = options.sign === undefined ? {} : { sign: pushSigning(options.sign, host, 'push') };
    const registry = await registryOptions(host);
    const store = await Store.open(settings.root);
    // Its absence is told before a registry is spoken to.
    const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform) };
    await store.layout.resolve(formatReference(reference), platform);
    const say = (line: string) => void (options.quiet || host.stdout.write(`${sanitizeName(line)}\n`));
    if (!namesVersion(name)) say('Using default tag: latest');
    say(`The push refers to repository [${reference.registry}/${reference.repository}]`);
    const progress = openProgress(options, host, PUSHING);
    try {
      const pushed = await pushImage(formatReference(reference), {
        store,
        registry,
        reporter: progress.reporter,
        signal: host.signal,
        ...platform,
        ...sign,
        ...(options.referrers ? { referrers: true } : {}),
      });
      progress.close('done');
      say(`${reference.tag ?? 'latest'}: digest: ${pushed.digest} size: ${pushed.size}`);
      if (options.sign !== undefined) say(`Signed: ${pushed.digest}`);
      if (options.quiet) host.stdout.write(`${formatReference(reference)}\n`);
      return EXIT_OK;
    } catch (error) {
      progress.close('failed');
      return reportFailure(error, { progress, debug: settings.debug }, host);
    }
  },
});
