import { pruneCache, pruneVolumes, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { humanSize } from '../../output/human.ts';
import { agreed } from '../../prune/agree.ts';
import { pruneContainers } from '../../prune/prune-containers.ts';
import { parsePruneFilter } from '../../prune/prune-filter.ts';
import { pruneImages } from '../../prune/prune-images.ts';
import { parseCacheFilter } from '../../prune/cache-filter.ts';

/** `tsbuild system prune`: containers, images and the build cache, in docker's order. */
export const systemPruneCommand = defineCommand({
  name: 'system prune',
  synopsis: '',
  summary: 'Remove containers that do not run, images without a name, and the build cache that no image needs',
  options: {
    all: { kind: 'flag', short: 'a', describe: 'Also images with a name that no container uses, and all build cache' },
    filter: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Only those with until=, label= or label!=' },
    force: { kind: 'flag', short: 'f', describe: 'Do not prompt for confirmation' },
    volumes: { kind: 'flag', describe: 'Also volumes without a name that no container uses' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild system prune -af', 'Everything unused, without confirmation']],
  async run({ options, settings: { root } }, host) {
    const { all, force, filter, volumes } = options;
    const keeps = parsePruneFilter(filter, 'system prune', host.now());
    if (!force && !(await agreed(question(all, volumes), host))) return EXIT_OK;
    const inside = await inUserNamespace(host, ['--force']);
    if (inside !== undefined) return inside;
    const store = await Store.open(root);
    await pruneContainers(store, root, keeps, host);
    if (volumes) {
      const unnamed = await pruneVolumes(
        root,
        ({ config }) => config.anonymous && keeps({ created: config.created, labels: config.labels }),
        host.signal,
      );
      if (unnamed.length > 0) {
        host.stdout.write(`Deleted Volumes:\n${unnamed.map(({ config }) => `${config.name}\n`).join('')}\n`);
      }
    }
    let bytes = await pruneImages(store, { root, all, keeps }, host);
    await store.collect();
    // What is cached has no labels.
    if (!filter.some((text) => text.startsWith('label'))) {
      const unused = parseCacheFilter(
        filter.filter((text) => text.startsWith('until=')),
        'system prune',
      );
      const { removed, bytes: freed } = await pruneCache(store, { all, ...unused, dryRun: false }, host.signal);
      if (removed.length > 0) {
        host.stdout.write(`Deleted build cache objects:\n${removed.map(({ id }) => `${id}\n`).join('')}\n`);
      }
      bytes += freed;
    }
    host.stdout.write(`Total reclaimed space: ${humanSize(bytes)}\n`);
    return EXIT_OK;
  },
});

function question(all: boolean, volumes: boolean): string {
  const what = [
    'all stopped containers',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  return `This will remove:\n${what.map((line) => `  - ${line}\n`).join('')}`;
}
