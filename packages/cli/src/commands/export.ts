import { resolve } from 'node:path';
import { ContainerStore, exportContainer } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { inUserNamespace } from '../container/program.ts';
import { UsageError } from '../errors.ts';
import { EXIT_OK } from '../exit-code.ts';
import { type Sink, writeOutputFile } from '../output-file.ts';
import { streamSink } from '../output-stream.ts';

/** `tsbuild export`: the merged files of a container, without its volumes. */
export const exportCommand = defineCommand({
  name: 'export',
  synopsis: 'CONTAINER',
  summary: 'Write the files of a container as a tar archive',
  options: {
    output: {
      kind: 'value',
      short: 'o',
      placeholder: 'FILE',
      describe: 'Write to this file instead of standard output',
    },
  },
  operands: { min: 1, max: 1, what: 'one CONTAINER' },
  examples: [
    ['tsbuild export -o files.tar web', 'Into a file'],
    ['tsbuild export web | tsbuild import - web-files', 'An image of one layer'],
  ],
  async run({ options, operands: [name = ''], settings }, host) {
    const path = options.output === '-' ? undefined : options.output;
    if (path === '') throw new UsageError('the file name of --output is empty', { command: 'export' });
    if (path === undefined && host.stdout.isTTY === true) {
      throw new UsageError('refusing to write an archive to a terminal', {
        hint: 'use -o FILE, or pipe it',
        command: 'export',
      });
    }
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const container = new ContainerStore(settings.root).find(name);
    const write = async (sink: Sink): Promise<void> => {
      for await (const chunk of exportContainer(container, host.signal)) await sink(chunk);
    };
    if (path === undefined) await write(streamSink(host.stdout, host.signal));
    else await writeOutputFile(resolve(host.cwd, path), write, host.signal);
    return EXIT_OK;
  },
});
