import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '@tsbuild/oci';
import type { FsckOptions } from '@tsbuild/oci/internal';
import { storePath } from '../disk/store-paths.ts';
import { decodeRecord } from './record-file.ts';

/** What is asked of whoever checks the records of a store. */
export interface RecordChecks<O> {
  /** Tells an output from other JSON. */
  isOutput(output: unknown): output is O;
  /** What is wrong with what an output refers to; undefined when nothing is. */
  outputFault(output: O): Promise<string | undefined>;
  /** Told of each sound record: the ids of its inputs by name, and its output. */
  sound(inputs: readonly { readonly name: string; readonly id: Digest }[], output: O): void;
}

/**
 * Checks the cache records in `<root>/records`: readable, filed under the digest of their preimage, their layer there;
 * and that each listing is the text it is named after. A bad one is as good as none, so the repair is its removal.
 */
export async function verifyRecords<O>(root: string, checks: RecordChecks<O>, options: FsckOptions): Promise<number> {
  let count = 0;
  for (const shard of await namesIn(storePath(root, 'records'))) {
    for (const name of await namesIn(storePath(root, 'records', shard))) {
      options.signal.throwIfAborted();
      const path = storePath('', 'records', shard, name);
      if (shard === 'listings') {
        if (/^[0-9a-f]{64}\.txt$/.test(name)) await checkListing(root, path, options);
      } else if (/^[0-9a-f]{64}\.json$/.test(name)) {
        count++;
        const why = await faultOf(join(root, path), name.slice(0, 64), checks);
        if (why !== undefined) tell(root, path, 'record', why, options);
      }
    }
  }
  return count;
}

async function faultOf<O>(path: string, hex: string, checks: RecordChecks<O>): Promise<string | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const record = decodeRecord(text, `sha256:${hex}`, checks.isOutput);
  if (typeof record === 'string') return record;
  const fault = await checks.outputFault(record.output);
  if (fault === undefined) checks.sound(record.preimage.inputs, record.output);
  return fault;
}

async function checkListing(root: string, path: string, options: FsckOptions): Promise<void> {
  if (options.quick) return;
  const text = await readText(join(root, path));
  const name = path.slice(path.lastIndexOf('/') + 1, -'.txt'.length);
  if (text !== undefined && sha256(text) !== name) tell(root, path, 'listing', 'its name is not its digest', options);
}

function tell(root: string, path: string, kind: 'record' | 'listing', message: string, options: FsckOptions): void {
  const repair = { done: 'removed; the step runs again', run: () => rm(join(root, path), { force: true }) };
  options.report({ severity: 'damaged', kind, path, message, repair });
}

/** Undefined when it went meanwhile. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).toSorted();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
