import { removalOf, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { reportError } from '../../output/report-error.ts';

/** `tsbuild rmi`: removes names; an image whose last name goes is deleted, with the layers that nothing else needs. */
export const rmiCommand = defineCommand({
  name: 'rmi',
  synopsis: 'IMAGE [IMAGE…]',
  summary: 'Remove image names, and images that have no name left',
  options: {
    force: { kind: 'flag', short: 'f', describe: 'Also remove an ID with several names; ignore missing images' },
    'no-prune': { kind: 'flag', describe: 'Keep the layers', later: true },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one IMAGE or more' },
  examples: [
    ['tsbuild rmi my-app:old', 'Remove one name, and the image if it was the last'],
    ['tsbuild rmi -f 3f2a91c0d4e5', 'Remove an image with all its names'],
  ],
  async run({ options, operands, settings }, host) {
    const store = await Store.open(settings.root);
    let code = EXIT_OK;
    for (const name of operands) {
      try {
        const image = await store.layout.find(name);
        if (options.force && image === undefined) continue;
        const { force } = options;
        const members = image && (await store.layout.members(image));
        const keepImage = image !== undefined && removalOf(image, name, settings.root, force, members) === 'name';
        for (const removed of await store.layout.remove(name, { force, keepImage })) {
          const line =
            'untagged' in removed ? `Untagged: ${sanitizeText(removed.untagged)}` : `Deleted: ${removed.deleted}`;
          host.stdout.write(`${line}\n`);
        }
      } catch (error) {
        // As docker does: the other names still go.
        code = Math.max(code, await reportError(error, host, settings), EXIT_FAILED);
      }
    }
    await store.collect();
    return code;
  },
});
