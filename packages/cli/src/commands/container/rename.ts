import { ContainerStore, renameContainer } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild rename`: another name for a container. */
export const renameCommand = defineCommand({
  name: 'rename',
  synopsis: 'CONTAINER NAME',
  summary: 'Rename a container',
  options: {},
  operands: { min: 2, max: 2, what: 'a CONTAINER and its new NAME' },
  examples: [['tsbuild rename eager_quay web', 'Rename eager_quay to web']],
  async run({ operands, settings }) {
    const [name = '', wanted = ''] = operands;
    await renameContainer(new ContainerStore(settings.root).find(name), wanted, settings.root);
    return EXIT_OK;
  },
});
