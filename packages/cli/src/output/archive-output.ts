import { resolve } from 'node:path';
import type { ArchiveSink } from '@tsbuild/oci/node';
import { UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import { type Sink, streamSink, writeOutputFile } from '@tsbuild/oci/internal';

/** The option `-o` of commands whose result is an archive. */
export const archiveOption = {
  kind: 'value',
  short: 'o',
  placeholder: 'FILE',
  describe: 'Write to this file instead of standard output',
} as const;

/**
 * Writes an archive where it was asked for; a file appears whole or not at all. The writer gets the same sink twice: the
 * second one tells an image's archive whether chunks may be lent.
 */
export type ArchiveOutput = (write: (sink: Sink, imageSink: ArchiveSink) => Promise<void>) => Promise<void>;

/**
 * Where {@link archiveOption} says that the archive goes. Asked for before any work is done.
 * @throws UsageError for an empty name, or when it would go to a terminal; `pipe` is an example of what else to do
 */
export function archiveOutput(output: string | undefined, command: string, host: Host, pipe = ''): ArchiveOutput {
  const path = output === '-' ? undefined : output;
  if (path === '') throw new UsageError('the file name of --output is empty', { command });
  if (path === undefined && host.stdout.isTTY === true) {
    const hint = `use -o FILE, or pipe it${pipe === '' ? '' : `: ${pipe}`}`;
    throw new UsageError('refusing to write an archive to a terminal', { hint, command });
  }
  return async (write) => {
    if (path === undefined) {
      const sink = streamSink(host.stdout, host.signal);
      await write(sink, sink);
    } else {
      await writeOutputFile(resolve(host.cwd, path), (sink) => write(sink, { borrow: sink }), host.signal);
    }
  };
}
