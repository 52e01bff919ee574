import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../packages/oci/src/blob/memory.ts';
import { toArchive } from '../packages/oci/src/archive/image-archive.ts';
import type { Image } from '../packages/oci/src/image/image-value.ts';
import { parseReference } from '../packages/oci/src/spec/reference.ts';
import { flatten, squash } from '../packages/oci/src/image/squash.ts';
import { layerTar } from '../packages/oci/test/layer/layer-dsl.ts';
import { layerStack, wordsOf } from '../packages/oci/test/layer/layer-stacks.ts';
import { describeTree, diskState } from '../packages/oci/testing/disk-state.ts';
import { exported, extractTar, layersBetween } from '../packages/oci/testing/image-trees.ts';
import { sampleImage } from '../packages/oci/testing/sample-image.ts';
import { scratchFolders } from '../packages/oci/testing/scratch.ts';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { docker, lab, withoutEngine } from './support/lab.ts';

const NAME = 'tsbuild-test/export:1';

describe.skipIf(withoutEngine)(`the files that docker export gives${lab.engineObstacle ?? ''}`, () => {
  const folder = scratchFolders();

  /** The files of a container that the engine makes of the image. */
  async function inEngine(image: Image): Promise<string> {
    const archive = join(folder(), 'image.tar');
    await toArchive([{ image, names: [parseReference(NAME)] }], archive);
    await docker().output(['load', '-i', archive]);
    const container = (await docker().output(['create', '--network', 'none', NAME, 'x'])).trim();
    try {
      const [root, tar] = [folder(), join(folder(), 'export.tar')];
      await docker().output(['export', '-o', tar, container]);
      extractTar(readFileSync(tar), root);
      // What the engine adds to every container.
      for (const name of ['.dockerenv', 'dev', 'etc', 'proc', 'sys']) execFileSync('rm', ['-rf', join(root, name)]);
      return root;
    } finally {
      await docker().output(['rm', container]);
      await docker().output(['rmi', NAME]);
    }
  }
  const files = async (image: Image): Promise<readonly string[]> => describeTree(await exported(image, folder()));

  it('are those that we export, flatten and squash, of layers that we write', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(diskState, { minLength: 1, maxLength: 3 }), async (states) => {
        // Docker takes times before 1970 for 1970.
        const late = states.map((state) => state.map((node) => ({ ...node, mtime: Math.max(0, node.mtime) })));
        const image = await sampleImage(await layersBetween(late, folder));
        fc.pre(image.layers.length > 0 && (await files(image)).length > 0);
        const flat = await flatten(image, new MemoryBlobStore());
        const squashed = await squash(image, new MemoryBlobStore(), { from: 1 });
        const truth = describeTree(await inEngine(image));
        for (const each of [image, flat, squashed]) expect(await files(each)).toEqual(truth);
        expect(describeTree(await inEngine(squashed))).toEqual(truth);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });

  it('are those that we export, of layers of others', async () => {
    const known = await sampleImage(
      [
        'dir d\nfile d/old 1\nfile a x\nlink b a\nfile gone 1\nlink kept gone\nsymlink s d/old',
        'dir d\nopaque d\nfile d/new 2\nwhiteout gone\nfile a y',
      ].map(layerTar),
    );
    expect(await files(known)).toEqual(describeTree(await inEngine(known)));
    await fc.assert(
      fc.asyncProperty(layerStack, async (stack) => {
        const image = await sampleImage([layerTar('file always 1'), ...stack.map((layer) => layerTar(wordsOf(layer)))]);
        const theirs = await inEngine(image).catch((error: unknown) => {
          // The engine stumbles over marks that no builder writes: below what was a file, or before what takes their place.
          fc.pre(!/ApplyLayer|Error processing tar file/.test(String(error)));
          throw error;
        });
        expect(await files(image)).toEqual(describeTree(theirs));
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });
});
