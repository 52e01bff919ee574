import { Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { agreed } from '../../prune/agree.ts';
import { pruneContainers } from '../../prune/prune-containers.ts';
import { parsePruneFilter } from '../../prune/prune-filter.ts';

/** `tsbuild container prune`: removes what does not run. */
export const containerPruneCommand = defineCommand({
  name: 'container prune',
  synopsis: '',
  summary: 'Remove all stopped containers',
  options: {
    force: { kind: 'flag', short: 'f', describe: 'Do not prompt for confirmation' },
    filter: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Only those with until=, label= or label!=' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild container prune -f', 'Remove them without confirmation']],
  async run({ options, settings }, host) {
    const keeps = parsePruneFilter(options.filter, 'container prune', host.now());
    if (!options.force && !(await agreed('This will remove all stopped containers.', host))) return EXIT_OK;
    const inside = await inUserNamespace(host, ['--force']);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    await pruneContainers(store, settings.root, keeps, host);
    await store.collect();
    return EXIT_OK;
  },
});
