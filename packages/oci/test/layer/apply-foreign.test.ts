import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyLayer } from '../../src/disk/apply-layer.ts';
import { chunked, makeTar, paxHeader } from '../../testing/make-tar.ts';
import { scratchFolders } from '../../testing/scratch.ts';
import { layerTar } from './layer-dsl.ts';

const folder = scratchFolders();
const apply = (root: string, text: string): Promise<void> => applyLayer(chunked(layerTar(text)), root);

it('gives the directory what the layer says of the root, after all that is put into it', async () => {
  const root = folder();
  const tar = makeTar([
    { name: './', type: '5', mode: 0o2711, mtime: 7 },
    { name: 'a', content: 'x' },
  ]);
  await applyLayer(chunked(tar), root);
  const { mode, mtimeMs } = statSync(root);
  expect([mode & 0o7777, mtimeMs]).toEqual([0o2711, 7000]);
  await apply(root, 'file b x');
  expect(statSync(root).mode & 0o7777).toBe(0o2711);
});

it('keeps microseconds, whatever a double makes of them', async () => {
  const root = folder();
  const times = ['1649971879.832326', '1649971879.000001', '1649971879.999999', '0.000003', '4000000000.123457'];
  const members = times.flatMap((mtime, i) => [paxHeader({ mtime }), { name: String(i), content: 'x' }]);
  await applyLayer(chunked(makeTar([...members, paxHeader({ mtime: '5.000007' }), { name: 'd', type: '5' }])), root);
  const nanoseconds = ['0', '1', '2', '3', '4', 'd'].map(
    (name) => statSync(join(root, name), { bigint: true }).mtimeNs,
  );
  expect(nanoseconds).toEqual([...times, '5.000007'].map((time) => BigInt(time.replace('.', '')) * 1000n));
});

describe('hard links of a layer into the layers below', () => {
  it('mean what was there before the layer', async () => {
    const root = folder();
    await apply(root, 'file a old\nfile g 1\ndir d\nfile d/x 2\nsymlink s d');
    const inode = statSync(join(root, 'd/x')).ino;
    await apply(root, 'link b a\nfile a newer\nlink h g\nlink n/i s/x\nlink j d/x\nwhiteout g');
    expect(['a', 'b', 'h', 'n/i'].map((name) => readFileSync(join(root, name), 'utf8'))).toEqual([
      'newer',
      'old',
      '1',
      '2',
    ]);
    expect(['n/i', 'j'].map((name) => statSync(join(root, name)).ino)).toEqual([inode, inode]);
    expect(readdirSync(root).toSorted()).toEqual(['a', 'b', 'd', 'h', 'j', 'n', 's']);
  });

  it('write nothing when the file is in no layer below', async () => {
    const [root, outside] = [folder(), folder()];
    writeFileSync(join(outside, 'secret'), 'x');
    await apply(root, `symlink out ${outside}\nsymlink up ${'../'.repeat(20)}${outside}\ndir d\nfile f`);
    for (const target of ['none', 'out/secret', 'up/secret', `${outside}/secret`, 'd']) {
      const before = readdirSync(root);
      await expect(apply(root, `file new\nlink ok f\nlink h ${target}`)).rejects.toThrow(
        /layer entry 'h': a hard link/,
      );
      expect(readdirSync(root)).toEqual(before);
    }
    expect(statSync(join(outside, 'secret')).nlink).toBe(1);
  });
});
