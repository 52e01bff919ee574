import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ownerState, ownerTag, type ProcessState } from './process-identity.ts';
import { namingPath } from './store-errors.ts';

/** How {@link writeFileAtomic} makes what it makes. */
export interface AtomicFileOptions {
  readonly temporaryDirectory?: string;
  readonly mode?: number;
  readonly exact?: boolean;
  readonly directoryMode?: number;
}

/**
 * Replaces a file whole: readers see the old content or the new, also after a crash. Written beside it (or in
 * `temporaryDirectory`, which must be on the same filesystem), fsynced, renamed, then the folder is fsynced. Missing
 * folders are made, with 0755 unless told otherwise. The file gets `mode` (0644 unless told) as far as the umask lets it, or whatever the umask is when
 * it is `exact`.
 * @throws the file system's errors as they are; no temporary file is left then
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: AtomicFileOptions = {},
): Promise<void> {
  const folder = dirname(path);
  await makeFolders(folder, options.directoryMode ?? 0o755);
  const temporary = temporaryPath(options.temporaryDirectory ?? folder, basename(path));
  try {
    await writeSynced(temporary, content, options.mode ?? 0o644, options.exact);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw namingPath(error, path);
  }
  await syncDirectory(folder);
}

/** Writes a new file, which is on the disk then. @throws the file system's errors, `EEXIST` when there is one */
export async function writeSynced(
  path: string,
  content: string | Uint8Array,
  mode: number,
  isExact = false,
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    if (isExact) await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file whole as {@link writeFileAtomic} does, synchronously and without fsync: for what is only a memory, and
 * whose readers know by its form whether a power cut has torn it.
 * @throws the file system's errors as they are; no temporary file is left then
 */
export function replaceFileUnsynced(path: string, content: string | Uint8Array, mode = 0o644): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const temporary = temporaryPath(folder, basename(path));
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw namingPath(error, path);
  }
}

/**
 * Makes a folder and those above it.
 * @throws the file system's error, the true one: Node's own recursive `mkdir` says ENOENT for a read-only file system
 */
export async function makeFolders(path: string, mode?: number): Promise<void> {
  try {
    mkdirSync(path, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') mkdirSync(path);
    throw error;
  }
}

/**
 * A fresh name for a file or folder being written, `.<what>.<owner>-<random>.tmp`. It says whose it is, so that leftovers
 * of a crash can be told from work: {@link temporaryOwner}.
 */
export function temporaryPath(directory: string, what: string): string {
  return join(directory, `.${what}.${ownerTag()}-${randomBytes(8).toString('hex')}.tmp`);
}

/**
 * Whether the process that made a {@link temporaryPath} still runs, `unknown` also for names of versions that gave the pid
 * alone; undefined for other names.
 */
export function temporaryOwner(name: string): ProcessState | undefined {
  const tag = /^\..+\.(\d+(?:-\d+-[0-9a-f]{8})?)-[0-9a-f]{16}\.tmp$/s.exec(name)?.[1];
  return tag === undefined ? undefined : ownerState(tag);
}

/** Makes the names in a folder (a rename, a new file) durable. */
export async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
