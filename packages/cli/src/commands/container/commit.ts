import { commitContainer, ContainerStore, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild commit`: what a container changed, as an image. */
export const commitCommand = defineCommand({
  name: 'commit',
  synopsis: 'CONTAINER [NAME[:TAG]]',
  summary: 'Create an image from the changes of a container',
  options: {
    author: { kind: 'value', short: 'a', placeholder: 'WHO', describe: 'Author of the image' },
    change: {
      kind: 'list',
      short: 'c',
      placeholder: 'INSTRUCTION',
      describe: "Change the config: 'CMD node app.js', 'ENV A=b' …",
    },
    message: { kind: 'value', short: 'm', placeholder: 'TEXT', describe: 'A comment for the history' },
    pause: { kind: 'flag', short: 'p', on: true, describe: 'Pause the container while its files are read' },
  },
  operands: { min: 1, max: 2, what: 'a CONTAINER, and a NAME[:TAG] for the image' },
  examples: [
    ['tsbuild commit -m "Add node" base-container node-base', 'An image node-base with one more layer'],
    ['tsbuild commit -c "CMD node app.js" app my-app', 'And another command'],
  ],
  async run({ options, operands, settings }, host) {
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const [name = '', target] = operands;
    const store = await Store.open(settings.root);
    const container = new ContainerStore(settings.root).find(name);
    const { author = '', message = '', change, pause } = options;
    const wanted = { author, message, changes: change, pause, name: target };
    const image = await commitContainer(container, wanted, store, host.signal);
    host.stdout.write(`${image.id}\n`);
    return EXIT_OK;
  },
});
