import { truncateSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, readTar } from '@tsbuild/oci';
import { exportTree, type Image } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportTarget, ImageToExport } from '../src/export/exporter.ts';
import { openExporter } from '../src/export/open-exporter.ts';
import { silentReporter } from '../src/progress/reporter.ts';
import { BuildBench } from './build-bench.ts';

/** A place of one exporter, empty at first. */
export interface ExporterPlace {
  readonly target: ExportTarget;
  /** The name that images get there. */
  readonly name: string;
  /** The place lies in it, alone. */
  readonly directory: string;
  /** What a reader of that place finds: `path=content` of the files, sorted; undefined while there is no image. */
  read(): Promise<readonly string[] | undefined>;
  /** Targets that `check` refuses. */
  readonly taken?: readonly ExportTarget[];
}

/** Bytes: no exporter writes so much before it is told that it is aborted. */
const LARGE = 8 * 1024 * 1024;

/** The contract of {@link Exporter}; `factory` makes an empty place. */
export function exporterContract(
  kind: ExportTarget['kind'],
  factory: (scratch: string) => Promise<ExporterPlace>,
): void {
  describe(`the ${kind} exporter keeps the contract of Exporter`, () => {
    let bench: BuildBench;
    let places = 0;
    beforeAll(async () => {
      bench = await BuildBench.make();
    });
    afterAll(() => bench[Symbol.asyncDispose]());

    const place = (): Promise<ExporterPlace> => factory(bench.files(`place-${places++}`, {}));
    const imageOf = async (name: string, files: Readonly<Record<string, string>>): Promise<ImageToExport> => {
      const context = bench.files(`context-${places++}`, files);
      const { image } = await bench.build('FROM scratch\nCOPY . /\n', { context });
      return { image, names: [name] };
    };
    const send = async (image: ImageToExport, { target }: ExporterPlace, signal = new AbortController().signal) => {
      const exporter = await openExporter(target);
      return exporter.export(image, { store: bench.store, reporter: silentReporter, signal });
    };
    /** What the place has, and what lies beside it. */
    const stateOf = async ({ read, directory }: ExporterPlace) => ({
      found: await read(),
      names: (await readdir(directory)).toSorted(),
    });

    it('brings the files of the image', async () => {
      const to = await place();
      await (await openExporter(to.target)).check();
      const { pushed } = await send(await imageOf(to.name, { a: 'one', 'b/c': 'two' }), to);
      expect(await to.read()).toEqual(['a=one', 'b/c=two']);
      expect(pushed.map(({ reference }) => reference)).toEqual(kind === 'registry' ? [to.name] : []);
    });

    it('brings another one to the same place', async () => {
      const to = await place();
      await send(await imageOf(to.name, { a: 'one' }), to);
      await (await openExporter(to.target)).check();
      await send(await imageOf(to.name, { a: 'other' }), to);
      expect(await to.read()).toEqual(['a=other']);
    });

    it('brings the same one twice', async () => {
      const to = await place();
      const image = await imageOf(to.name, { a: 'one' });
      for (let i = 0; i < 2; i++) await send(image, to);
      expect(await to.read()).toEqual(['a=one']);
    });

    it('refuses a place that is taken before anything is built', async () => {
      for (const target of (await place()).taken ?? []) {
        const exporter = await openExporter(target);
        await expect(exporter.check()).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
      }
    });

    it.each(['at once', 'in the middle'])('changes nothing when it is aborted %s', async (when) => {
      const to = await place();
      await send(await imageOf(to.name, { a: 'kept' }), to);
      const image = await imageOf(to.name, { a: 'new', large: 'x'.repeat(LARGE) });
      const before = await stateOf(to);
      const controller = new AbortController();
      const reason = new Error('enough');
      if (when === 'at once') controller.abort(reason);
      else setImmediate(() => controller.abort(reason));
      await expect(send(image, to, controller.signal)).rejects.toBe(reason);
      expect(await stateOf(to)).toEqual(before);
    });

    it('changes nothing when the image is damaged', async () => {
      const to = await place();
      await send(await imageOf(to.name, { a: 'kept' }), to);
      const damaged = await imageOf(to.name, { a: 'new', large: `${places}`.repeat(LARGE) });
      const [layer] = damaged.image.layers;
      if (layer === undefined) throw new Error('the image has a layer');
      const blob = join(bench.store.root, 'blobs/sha256', digestHex(layer.digest));
      truncateSync(blob, layer.size / 2);
      const before = await stateOf(to);
      await expect(send(damaged, to)).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:BLOB_CORRUPT|EXPORT_FAILED|LAYER_INVALID)$/),
      });
      expect(await stateOf(to)).toEqual(before);
    });
  });
}

/** `path=content` of the files of an image. */
export function filesOf(image: Image): Promise<readonly string[]> {
  return filesOfTar(exportTree(image));
}

/** The same of a tar archive. */
export async function filesOfTar(bytes: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { entry, content } of readTar(bytes)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    if (entry.type === 'file') found.push(`${entry.path}=${Buffer.concat(chunks).toString()}`);
  }
  return found.toSorted();
}
