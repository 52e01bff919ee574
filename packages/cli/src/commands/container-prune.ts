import { ContainerStore, removeContainer, Store } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { inUserNamespace } from '../container/program.ts';
import { CommandError } from '../errors.ts';
import { EXIT_OK } from '../exit-code.ts';
import { askOnTerminal } from '../prompt.ts';

/** `tsbuild container prune`: removes what does not run. */
export const containerPruneCommand = defineCommand({
  name: 'container prune',
  synopsis: '',
  summary: 'Remove all containers that do not run',
  options: {
    force: { kind: 'flag', short: 'f', describe: 'Do not ask' },
    filter: { kind: 'list', describe: '', later: true },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild container prune -f', 'Remove them without a question']],
  async run({ options, settings }, host) {
    if (!options.force) {
      if (host.stdin.isTTY !== true) throw new CommandError('there is no terminal to ask on', { hint: 'use --force' });
      const answer = await askOnTerminal(
        'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ',
        host,
      );
      if (!/^y(?:es)?$/i.test(answer?.trim() ?? '')) return EXIT_OK;
    }
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    const removed: string[] = [];
    for (const container of new ContainerStore(settings.root).list()) {
      if (container.isRunning) continue;
      await removeContainer(container, store, { force: false, volumes: false });
      removed.push(container.id);
    }
    if (removed.length > 0) host.stdout.write(`Deleted Containers:\n${removed.join('\n')}\n`);
    await store.collect();
    return EXIT_OK;
  },
});
