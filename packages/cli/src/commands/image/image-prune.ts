import { Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { humanSize } from '../../output/human.ts';
import { agreed } from '../../prune/agree.ts';
import { parsePruneFilter } from '../../prune/prune-filter.ts';
import { pruneImages } from '../../prune/prune-images.ts';

/** `tsbuild image prune`: removes the images that nothing uses. */
export const imagePruneCommand = defineCommand({
  name: 'image prune',
  synopsis: '',
  summary: 'Remove images without a name',
  options: {
    all: { kind: 'flag', short: 'a', describe: 'Also those with a name that no container uses' },
    filter: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Only those with until=, label= or label!=' },
    force: { kind: 'flag', short: 'f', describe: 'Do not prompt for confirmation' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild image prune -af --filter until=240h', 'Images of more than ten days that no container uses']],
  async run({ options, settings }, host) {
    const { all, force } = options;
    const keeps = parsePruneFilter(options.filter, 'image prune', host.now());
    const what = all ? 'all images without at least one container associated to them' : 'all dangling images';
    if (!force && !(await agreed(`This will remove ${what}.`, host))) return EXIT_OK;
    const inside = await inUserNamespace(host, ['--force']);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    const bytes = await pruneImages(store, { root: settings.root, all, keeps }, host);
    await store.collect();
    host.stdout.write(`Total reclaimed space: ${humanSize(bytes)}\n`);
    return EXIT_OK;
  },
});
