import { ContainerStore, exportContainer } from '@tsbuild/builder';
import { archiveOption, archiveOutput } from '../../output/archive-output.ts';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild export`: the merged files of a container, without its volumes. */
export const exportCommand = defineCommand({
  name: 'export',
  synopsis: 'CONTAINER',
  summary: 'Export the files of a container as a tar archive',
  options: {
    output: archiveOption,
  },
  operands: { min: 1, max: 1, what: 'one CONTAINER' },
  examples: [
    ['tsbuild export -o files.tar web', 'Into a file'],
    ['tsbuild export web | tsbuild import - web-files', 'An image of one layer'],
  ],
  async run({ options, operands: [name = ''], settings }, host) {
    const output = archiveOutput(options.output, 'export', host);
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const container = new ContainerStore(settings.root).find(name);
    await output(async (sink) => {
      for await (const chunk of exportContainer(container, host.signal)) await sink(chunk);
    });
    return EXIT_OK;
  },
});
