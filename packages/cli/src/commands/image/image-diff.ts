import { diffPackages, type ImagePackages, packagesOfImage, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { differencesDocument } from '../../output/package-document.ts';
import { closingNotes, differencesLine, differencesTable } from '../../output/package-tables.ts';
import { platformOption } from '../../store/find-image.ts';
import { ANY_IMAGE, withAnyImage } from './any-image.ts';

/** `tsbuild image diff`: in what the packages of two images differ, and by which lines. */
export const imageDiffCommand = defineCommand({
  name: 'image diff',
  synopsis: 'IMAGE IMAGE',
  summary: 'Compare the packages of two images: added, upgraded, removed, and by which Dockerfile lines',
  options: {
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'table, or json', choices: ['table', 'json'] },
    platform: platformOption,
  },
  operands: { min: 2, max: 2, what: `two images, each ${ANY_IMAGE}` },
  examples: [
    ['tsbuild image diff my-app:1 my-app:2', 'What is new in my-app:2'],
    ['tsbuild image diff ghcr.io/me/app:prod my-app', 'What a deployment would change'],
    ['tsbuild image diff --format json my-app:1 my-app:2', 'The same for programs'],
  ],
  async run({ options, operands: [a = '', b = ''], settings }, host) {
    const store = await Store.open(settings.root);
    const search = { store, platform: options.platform };
    const [first, second] = [await packagesAt(a, search, host), await packagesAt(b, search, host)];
    const differences = diffPackages(first, second);
    const view = { width: host.stdout.isTTY === true ? host.stdout.columns : undefined };
    host.stdout.write(
      options.format === 'json'
        ? differencesDocument([a, b], [first, second], differences)
        : differencesTable(differences, [first, second], view),
    );
    host.stderr.write(differencesLine(differences, second));
    // What could not be read of one of them may be no difference at all.
    for (const [name, found] of [[a, first] as const, [b, second] as const]) {
      for (const note of closingNotes(found, name)) host.stderr.write(`${note}\n`);
    }
    return EXIT_OK;
  },
});

function packagesAt(
  name: string,
  search: { readonly store: Store; readonly platform: string | undefined },
  host: Host,
): Promise<ImagePackages> {
  return withAnyImage(name, search, host, ({ image, bring }) =>
    packagesOfImage(image, search.store, { signal: host.signal, ...(bring !== undefined && { bring }) }),
  );
}
