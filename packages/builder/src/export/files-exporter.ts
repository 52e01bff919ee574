import { chmodSync, type Dirent, lstatSync, readdirSync, renameSync, unlinkSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byteStringToUtf8, fromStoredImage, unpackImage } from '@tsbuild/oci/node';
import { attestationFiles } from './attestation-files.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { DirectoryTarget, Exporter, ExportResult, ExportWork, ImageToExport, PlatformSplit } from './exporter.ts';
import { type PlatformFiles, platformFiles } from './platform-split.ts';
import { withStagedDirectory } from './staged-directory.ts';

/**
 * Writes the files of an image to a directory, as `type=local` of buildx does: the caller's own, over what is there already.
 * Everything is unpacked beside its place before anything takes it, so that a failure changes nothing. No link of the
 * directory is followed.
 */
export class FilesExporter implements Exporter {
  readonly #path: string;
  readonly #shown: string;
  readonly #split: PlatformSplit;

  constructor({ directory, shownAs, ...split }: DirectoryTarget & PlatformSplit) {
    this.#path = directory;
    this.#shown = shownAs ?? directory;
    this.#split = split;
  }

  async check(): Promise<void> {
    const there = await stat(this.#path).catch(() => undefined);
    if (there === undefined || there.isDirectory()) return;
    throw new BuildError('EXPORT_FAILED', `cannot write files to ${this.#shown}: it is not a directory`);
  }

  /** @throws BuildError `EXPORT_FAILED` when a file of the image is a directory there; OciError; the signal's reason */
  async export({ image }: ImageToExport, work: ExportWork): Promise<ExportResult> {
    work.signal.throwIfAborted();
    const path = this.#path;
    const { platformSplit, attestationPrefix } = this.#split;
    const placed = await platformFiles(image, work.store, platformSplit);
    const attestations = await attestationFiles(image, placed, work.store, attestationPrefix);
    const isThere = (await stat(path).catch(() => undefined)) !== undefined;
    // Inside a directory that is there: it may be a mount, into which nothing can be renamed.
    const parent = isThere ? path : dirname(path);
    await mkdir(parent, { recursive: true });
    await withStagedDirectory(path, parent, async (staged) => {
      for (const files of placed) await unpack(files, staged, work);
      for (const file of attestations) await writeFile(join(staged, file.path), file.content, { flag: 'wx' });
      work.signal.throwIfAborted();
      if (!isThere) return await rename(staged, path);
      merge(staged, path, this.#shown);
      await rm(staged, { recursive: true });
    });
    return { pushed: [] };
  }
}

async function unpack(
  { image, directory: name }: PlatformFiles,
  staged: string,
  { store, reporter, signal }: ExportWork,
): Promise<void> {
  const { blobs, indexes } = store.layout;
  const directory = name === '' ? staged : join(staged, name);
  if (name !== '') await mkdir(directory);
  await unpackImage(await fromStoredImage(blobs, image), directory, {
    blobs,
    indexes,
    signal,
    owners: false,
    devices: false,
    // A device most often.
    onSkip: ({ path, reason }) => {
      const message = `${byteStringToUtf8(path)}: left out ${reason}`;
      reporter.report({ type: 'notice', level: 'warning', message });
    },
  });
}

/** A path below both directories. */
interface Pair {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Moves everything to its place; what cannot have it is found before. */
function merge(from: string, into: string, shown: string): void {
  const moves: Pair[] = [];
  const joined: Pair[] = [];
  const waiting: Pair[] = [{ from: Buffer.from(from), to: Buffer.from(into) }];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    for (const entry of readdirSync(pair.from, { withFileTypes: true, encoding: 'buffer' })) {
      const child = { from: below(pair.from, entry.name), to: below(pair.to, entry.name) };
      const isDirectory = lstatSync(child.to, { throwIfNoEntry: false })?.isDirectory() === true;
      if (isDirectory) checkJoin(entry, child, shown);
      if (isDirectory) {
        waiting.push(child);
        joined.push(child);
      } else moves.push(child);
    }
  }
  for (const { from: source, to } of moves) {
    // A directory takes the place of nothing that is there; a file does.
    if (lstatSync(source).isDirectory() && lstatSync(to, { throwIfNoEntry: false }) !== undefined) unlinkSync(to);
    renameSync(source, to);
  }
  for (const { from: source, to } of joined.toReversed()) takeLook(source, to);
}

function checkJoin(entry: Dirent<Buffer>, { to }: Pair, shown: string): void {
  if (entry.isDirectory()) return;
  const message = `cannot write ${shown}: ${to.toString()} is a directory, but a file in the image`;
  throw new BuildError('EXPORT_FAILED', message, { hint: 'remove it, or name another directory' });
}

/** Mode and time of a directory that was there already. */
function takeLook(from: Buffer, to: Buffer): void {
  const { mode, atime, mtime } = lstatSync(from);
  chmodSync(to, mode & 0o7777);
  utimesSync(to, atime, mtime);
}

function below(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}
