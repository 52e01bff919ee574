import { resolve } from 'node:path';
import { familiarName, imageIdOf, loadArchive, parsePlatform } from '@tsbuild/oci/node';
import { untilAborted } from '../../host/until-aborted.ts';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { openLayout } from '../../store/open-layout.ts';
import { sanitizeName } from '../../output/sanitize.ts';

/** `tsbuild load`: images from an archive into the store. */
export const loadCommand = defineCommand({
  name: 'load',
  synopsis: '',
  summary: 'Read images from an archive of docker save or an OCI archive, also gzipped',
  options: {
    input: { kind: 'value', short: 'i', placeholder: 'FILE', describe: 'Read this file instead of standard input' },
    quiet: { kind: 'flag', short: 'q', describe: 'Print less' },
    platform: {
      kind: 'value',
      placeholder: 'OS/ARCH',
      describe: 'The platform to take from a multi-platform archive (default: all that it has)',
    },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [
    ['tsbuild load -i my-app.tar', 'Load a file'],
    ['docker save node:18-alpine | tsbuild load', "Take over an engine's image, e.g. as a base"],
  ],
  async run({ options, settings }, host) {
    const input = options.input === undefined || options.input === '-' ? undefined : resolve(host.cwd, options.input);
    if (input === undefined && host.stdin.isTTY === true) {
      throw new UsageError('cannot read the archive from standard input: it is a terminal', {
        hint: 'use -i FILE, or pipe an archive into it',
        command: 'load',
      });
    }
    const layout = await openLayout(settings.root);
    const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform) };
    const choice = { keepIndexes: true, ...platform };
    const loaded = await untilAborted(loadArchive(input ?? host.stdin, layout, choice), host.signal);
    for (const { image, names } of loaded) {
      for (const name of names) host.stdout.write(`Loaded image: ${sanitizeName(familiarName(name))}\n`);
      if (names.length === 0) host.stdout.write(`Loaded image ID: ${imageIdOf(image)}\n`);
    }
    return EXIT_OK;
  },
});
