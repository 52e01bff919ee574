import { describe, expect, it } from 'vitest';
import { findWaste, type ImageWaste } from '../../src/waste/image-waste.ts';
import { indexed } from '../layer/layer-dsl.ts';

async function wasteOf(...layers: readonly string[]): Promise<ImageWaste> {
  const read = await Promise.all(layers.map(indexed));
  return findWaste(read.map(({ index, diffID }) => ({ info: { digest: diffID }, index })));
}

/** `cause<-place kind bytes/files` of each group. */
function dead({ dead: groups }: ImageWaste): string[] {
  return groups.map(({ kind, place, cause, bytes, files }) => `${cause}<-${place} ${kind} ${bytes}/${files}`);
}

const cases: readonly [string, readonly string[], readonly string[]][] = [
  ['nothing', ['file a xx', 'file b yyy'], []],
  ['another content', ['file a xx', 'file a yyy'], ['1<-0 overwritten 2/1']],
  ['the same content again', ['file a xx', 'file a xx'], ['1<-0 attributes 2/1']],
  ['a whiteout', ['file a xx', 'whiteout a'], ['1<-0 deleted 2/1']],
  ['a directory, file by file', ['dir d\nfile d/a xx\ndir d/e\nfile d/e/f yyy', 'whiteout d'], ['1<-0 deleted 5/2']],
  [
    'an opaque directory of which one file comes back',
    ['dir d\nfile d/a xx\nfile d/b yyy', 'dir d\nopaque d\nfile d/a zz'],
    ['1<-0 deleted 3/1', '1<-0 overwritten 2/1'],
  ],
  ['a whiteout and a new file of the name', ['file a xx', 'whiteout a\nfile a zz'], ['1<-0 overwritten 2/1']],
  ['a directory in the place of a file', ['file d xx', 'dir d\nfile d/a x'], ['1<-0 overwritten 2/1']],
  ['a file in the place of a directory', ['dir d\nfile d/a xx', 'file d x'], ['1<-0 deleted 2/1']],
  [
    'hidden twice, counted for the first',
    ['file a xx', 'file a yyy', 'whiteout a'],
    ['1<-0 overwritten 2/1', '2<-1 deleted 3/1'],
  ],
  ['the same whiteout twice', ['file a xx', 'whiteout a', 'whiteout a'], ['1<-0 deleted 2/1']],
  ['places apart', ['file a xx', 'file b yyy', 'whiteout a\nwhiteout b'], ['2<-0 deleted 2/1', '2<-1 deleted 3/1']],
  ['one of two hard links', ['file a xx\nlink b a', 'whiteout a'], []],
  [
    'both hard links, by the layer of the last',
    ['file a xx\nlink b a', 'whiteout a', 'whiteout b'],
    ['2<-0 deleted 2/1'],
  ],
  ['both hard links at once', ['file a xx\nlink b a', 'whiteout a\nwhiteout b'], ['1<-0 deleted 2/1']],
  ['a link from above keeps the content', ['file a xx', 'link b a\nwhiteout a'], []],
  [
    'both links in a layer that is there twice',
    ['file a xx\nlink b a', 'file a xx\nlink b a'],
    ['1<-0 attributes 2/1'],
  ],
  ['empty files and symlinks are nothing', ['file a\nsymlink l a', 'whiteout a\nwhiteout l'], []],
];

describe('what a layer made useless', () => {
  it.each(cases)('%s', async (_, layers, expected) => {
    expect(dead(await wasteOf(...layers))).toEqual(expected);
  });

  it('names the largest files', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `file f${i} ${'x'.repeat(i + 1)}`);
    const [group] = (await wasteOf(names.join('\n'), names.map((_, i) => `whiteout f${i}`).join('\n'))).dead;
    expect(group).toMatchObject({ bytes: 78, files: 12 });
    expect(group?.largest.map(({ path, size }) => `${path} ${size}`)).toEqual(
      Array.from({ length: 10 }, (_, i) => `f${11 - i} ${12 - i}`),
    );
  });
});

describe('what each layer is made of', () => {
  it('counts content once, and what a container sees more or less of', async () => {
    const { layers } = await wasteOf('file a xxxx\nlink b a\nfile c yy', 'file c zzz', 'whiteout a\nwhiteout b');
    expect(layers).toEqual([
      { unpacked: 6, files: 2, contribution: 6 },
      { unpacked: 3, files: 1, contribution: 1 },
      { unpacked: 0, files: 0, contribution: -4 },
    ]);
  });
});

describe('the same content twice', () => {
  it('is a copy wherever the layer is not the lowest', async () => {
    const { duplicates, duplicated } = await wasteOf('file a xxx', 'dir d\nfile d/b xxx\nfile d/c xxx\nfile d/e y');
    expect(duplicates).toEqual([
      {
        kind: 'file',
        size: 3,
        wasted: 6,
        places: [
          { path: 'a', layer: 0 },
          { path: 'd/b', layer: 1 },
          { path: 'd/c', layer: 1 },
        ],
      },
    ]);
    expect(duplicated).toEqual([{ layer: 1, bytes: 6, files: 2 }]);
  });

  it('is told of whole directories, not of their files', async () => {
    const lib = (at: string): string =>
      `dir ${at}\nfile ${at}/a xxx\ndir ${at}/sub\nfile ${at}/sub/b yy\nsymlink ${at}/l a`;
    const { duplicates, duplicated } = await wasteOf(`dir x\ndir y\n${lib('x/lib')}\n${lib('y/lib')}\nfile y/other z`);
    expect(duplicates).toEqual([
      {
        kind: 'directory',
        size: 5,
        wasted: 5,
        places: [
          { path: 'x/lib', layer: 0 },
          { path: 'y/lib', layer: 0 },
        ],
      },
    ]);
    expect(duplicated).toEqual([{ layer: 0, bytes: 5, files: 2 }]);
  });

  it('is not what has another name, or is a link, or is hidden', async () => {
    const { duplicates, duplicated } = await wasteOf(
      'file a xxx\nlink b a\nfile gone xxx',
      'whiteout gone\nsymlink s a',
    );
    expect(duplicates).toEqual([]);
    expect(duplicated).toEqual([]);
  });

  it('keeps directories apart whose names differ inside', async () => {
    const { duplicates } = await wasteOf('dir x\nfile x/a xxx\ndir y\nfile y/b xxx');
    expect(duplicates).toMatchObject([{ kind: 'file', wasted: 3 }]);
  });
});
