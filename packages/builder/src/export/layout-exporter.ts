import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Descriptor, parseReference } from '@tsbuild/oci';
import { fromStoredImage, indexFromLayout, toLayout } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { checkParent } from './bytes-target.ts';
import type { DirectoryTarget, Exporter, ExportResult, ExportWork, ImageToExport } from './exporter.ts';
import { withStagedDirectory } from './staged-directory.ts';

/** What the image-spec puts into a layout; the rest is bookkeeping of the writer. */
const LAYOUT_FILES: ReadonlySet<string> = new Set(['blobs', 'index.json', 'oci-layout']);

/**
 * Writes an image as an OCI image layout directory. A new one appears whole or not at all; into one that is there the
 * image is added, and takes the names that another image of it may have had.
 */
export class LayoutExporter implements Exporter {
  readonly #path: string;
  readonly #shown: string;

  constructor({ directory, shownAs }: DirectoryTarget) {
    this.#path = directory;
    this.#shown = shownAs ?? directory;
  }

  /** The directory is missing, empty, or a layout already. */
  async check(): Promise<void> {
    await checkParent(this.#path, this.#shown);
    await stateOf(this.#path, this.#shown);
  }

  async export({ image, names }: ImageToExport, { store, signal }: ExportWork): Promise<ExportResult> {
    signal.throwIfAborted();
    const path = this.#path;
    const { layout } = store;
    const value =
      image.index === undefined
        ? await fromStoredImage(layout.blobs, image)
        : await indexFromLayout(layout.root, { name: image.index.descriptor.digest });
    // What the store has of an index goes out.
    const isAbsent = async ({ digest }: Descriptor): Promise<boolean> => (await layout.blobs.has(digest)) === undefined;
    const options = { names: names.map((name) => parseReference(name)), signal, isAbsent };
    if ((await stateOf(path, this.#shown)) === 'layout') {
      await toLayout(value, path, options);
      return { pushed: [] };
    }
    await withStagedDirectory(path, dirname(path), async (staged) => {
      await toLayout(value, staged, options);
      for (const name of await readdir(staged)) {
        if (!LAYOUT_FILES.has(name)) await rm(join(staged, name), { recursive: true });
      }
      signal.throwIfAborted();
      // Takes the place of an empty directory too.
      await rename(staged, path);
    });
    return { pushed: [] };
  }
}

async function stateOf(path: string, shown: string): Promise<'new' | 'layout'> {
  let names: readonly string[];
  try {
    names = await readdir(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return 'new';
    if (code === 'ENOTDIR')
      throw new BuildError('EXPORT_FAILED', `cannot write a layout to ${shown}: it is not a directory`);
    throw error;
  }
  if (names.length === 0) return 'new';
  if (names.includes('oci-layout')) return 'layout';
  throw new BuildError('EXPORT_FAILED', `cannot write a layout to ${shown}: it is neither empty nor an OCI layout`, {
    hint: 'use a new directory',
  });
}
