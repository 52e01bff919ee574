import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SourceEntry } from '../../src/context/source-tree.ts';
import { open, paths, temporaryDirectory } from './real-tree.ts';

const MIB = 1024 * 1024;
const signal = new AbortController().signal;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A context of many small files, empty ones, and some larger than a thread's buffer. */
function manyFiles(): { readonly root: string; readonly contents: ReadonlyMap<string, Buffer> } {
  const root = temporaryDirectory();
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 2000; i++) contents.set(`d${i % 7}/small-${i}`, Buffer.alloc(i % 5 === 0 ? 0 : i, i));
  for (const [i, size] of [256 * 1024, 256 * 1024 + 1, 3 * MIB, 9 * MIB + 1].entries()) {
    contents.set(`big-${i}`, Buffer.alloc(size, 'no block of it is like another ').fill(i, size - 9));
  }
  contents.set('d0/\xe9\xff', Buffer.from('a name that is no UTF-8'));
  for (let i = 0; i < 7; i++) mkdirSync(join(root, `d${i}`));
  for (const [path, content] of contents) writeFileSync(Buffer.from(join(root, path), 'latin1'), content);
  return { root, contents };
}

function filesOf(tree: ReturnType<typeof open>): SourceEntry[] {
  return paths(tree)
    .flatMap((path) => tree.lookup(path) ?? [])
    .filter(({ type }) => type === 'file');
}

it('learns the digest of every file, in both threads', async () => {
  const { root, contents } = manyFiles();
  const tree = open(root);
  await tree.learnAll(filesOf(tree), signal);
  const known = filesOf(tree).map((entry) => [entry.path, tree.knownSha256(entry)]);
  expect(new Map(known as [string, string][])).toEqual(
    new Map([...contents].map(([path, bytes]) => [path, sha256(bytes)])),
  );
});

it.each([
  [
    'shrank',
    (path: string) => truncateSync(path, 5),
    expect.objectContaining({ message: expect.stringContaining('became shorter') }),
  ],
  [
    'is gone',
    (path: string) => rmSync(path),
    expect.objectContaining({ message: expect.stringContaining('small-1999') }),
  ],
] as const)('says what is wrong with a file that %s', async (_what, spoil, error) => {
  const { root } = manyFiles();
  const tree = open(root);
  const files = filesOf(tree);
  spoil(join(root, 'd4/small-1999'));
  await expect(tree.learnAll(files, signal)).rejects.toEqual(error);
});

it('takes a file that grew as it was', async () => {
  const { root, contents } = manyFiles();
  const tree = open(root);
  const files = filesOf(tree);
  appendFileSync(join(root, 'd4/small-1999'), 'x');
  await tree.learnAll(files, signal);
  const grown = files.find(({ path }) => path === 'd4/small-1999');
  expect(grown && tree.knownSha256(grown)).toBe(sha256(contents.get('d4/small-1999') ?? Buffer.of()));
});

it('stops when it is told to', async () => {
  const { root } = manyFiles();
  const tree = open(root);
  const controller = new AbortController();
  const learning = tree.learnAll(filesOf(tree), controller.signal);
  controller.abort(new Error('enough'));
  await expect(learning).rejects.toThrow('enough');
});
