import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Sink, sinkWriter, writeOutputFile } from '@tsbuild/oci/internal';
import type { ArchiveSink } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { BytesTarget } from './exporter.ts';

/** A build of minutes should not end with a directory that is not there. @throws BuildError `EXPORT_FAILED` */
export async function checkBytesTarget({ to, shownAs }: BytesTarget): Promise<void> {
  if (typeof to === 'string') await checkParent(to, shownAs ?? to);
}

/** Whether the directory that a path lies in is there. @throws BuildError `EXPORT_FAILED` */
export async function checkParent(path: string, shown: string): Promise<void> {
  const parent = dirname(path);
  const info = await stat(parent).catch(() => undefined);
  if (info?.isDirectory() === true) return;
  throw new BuildError('EXPORT_FAILED', `cannot write ${shown}: ${parent} is not a directory`);
}

/** Writes to the target; the file is lent each chunk. @throws the file system's errors, those of `write`, the signal's reason */
export async function writeBytes(
  { to }: BytesTarget,
  write: (sink: ArchiveSink) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (typeof to === 'string') return writeOutputFile(to, (sink) => write({ borrow: sink }), signal);
  const take = sinkWriter(to);
  const untilAborted: Sink = (chunk) => {
    signal.throwIfAborted();
    return take(chunk);
  };
  await write('borrow' in to ? { borrow: untilAborted } : untilAborted);
}
