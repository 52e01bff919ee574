import { expect, it } from 'vitest';
import { ContextTree } from '../../src/context/context-tree.ts';
import { ImportedTree } from '../../src/context/imported-tree.ts';
import { compilePatterns } from '../../src/context/pattern-matcher.ts';
import type { SourceTree } from '../../src/context/source-tree.ts';
import { StatCache } from '../../src/context/stat-cache.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { temporaryDirectory, writeTree } from './real-tree.ts';

const TREE = `
  file a.log x
  file keep.log x
  dir logs
  file logs/deep/keep.log x
  file logs/deep/other x
  file logs/a x
  dir empty
  file src/main.ts x
  file src/gen/out.ts x
  symlink link -> logs/deep
`;

function paths(tree: SourceTree, directory = ''): string[] {
  return tree.list(directory).flatMap(({ path, type }) => [path, ...(type === 'directory' ? paths(tree, path) : [])]);
}

it.each([
  [['*.log']],
  [['logs', '!logs/deep/keep.log']],
  [['*', '!src', 'src/gen']],
  [['**/*.log', '!**/keep.log', 'empty']],
  [['logs/*', '!logs/deep']],
  [['*']],
])('leaves out what %j leaves out of the directory', (patterns) => {
  const root = temporaryDirectory();
  writeTree(root, TREE);
  const matcher = compilePatterns(patterns);
  const directory = ContextTree.open(root, matcher, StatCache.open(root));
  const imported = new ImportedTree(MemoryTree.of(TREE), matcher);
  expect(paths(imported)).toEqual(paths(directory));
  for (const path of paths(new ImportedTree(MemoryTree.of(TREE), undefined))) {
    expect(imported.lookup(path)?.path, path).toBe(directory.lookup(path)?.path);
    expect(imported.resolve(path), path).toBe(directory.resolve(path));
  }
});
