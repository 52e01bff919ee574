import { ContainerStore, removeContainer, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { inUserNamespace } from '../../container/program.ts';

/** `tsbuild rm`: takes containers away with what they wrote. */
export const rmCommand = defineCommand({
  name: 'rm',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Remove containers',
  options: {
    force: { kind: 'flag', short: 'f', describe: 'Kill and remove running containers; ignore missing ones' },
    volumes: { kind: 'flag', short: 'v', describe: 'Also remove their anonymous volumes' },
    link: { kind: 'flag', short: 'l', describe: '', later: true },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild rm -f web', 'Kill web and remove it']],
  async run({ options, operands, settings }, host) {
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    const { force } = options;
    const names = force ? operands.filter((name) => exists(name, settings.root)) : operands;
    return forEach(
      names,
      (container) => removeContainer(container, store, { force, volumes: options.volumes }),
      settings,
      host,
    );
  },
});

function exists(name: string, root: string): boolean {
  try {
    return new ContainerStore(root).find(name) !== undefined;
  } catch {
    return false;
  }
}
