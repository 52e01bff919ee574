import { Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { createOptions, createOptionTable } from '../../container/create-options.ts';
import { makeContainer } from '../../container/make-container.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild create`: a container that is started later. */
export const createCommand = defineCommand({
  name: 'create',
  synopsis: 'IMAGE [COMMAND…]',
  summary: 'Create a container without starting it',
  options: createOptionTable,
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'an IMAGE, and what to run in it' },
  stopAtOperand: true,
  examples: [['tsbuild create --name web my-app', 'Then: tsbuild start web']],
  async run({ options, operands, settings }, host) {
    const wanted = createOptions(options, operands, host);
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    const container = await makeContainer(wanted, options, store, host);
    host.stdout.write(`${container.id}\n`);
    return EXIT_OK;
  },
});
