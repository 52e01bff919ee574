import { ContextTree } from '../../src/context/context-tree.ts';
import { ImportedTree } from '../../src/context/imported-tree.ts';
import { compilePatterns } from '../../src/context/pattern-matcher.ts';
import { StatCache } from '../../src/context/stat-cache.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { sourceTreeContract } from '../../testing/source-tree-contract.ts';
import { temporaryDirectory, writeTree } from './real-tree.ts';

sourceTreeContract('MemoryTree', (description) => MemoryTree.of(description));

sourceTreeContract('ImportedTree', (description) => new ImportedTree(MemoryTree.of(description), undefined));

sourceTreeContract('ImportedTree with patterns that match nothing here', (description) => {
  return new ImportedTree(MemoryTree.of(description), compilePatterns(['**/*.none', '!keep', 'a/b/c']));
});

sourceTreeContract('ContextTree', (description) => {
  const root = temporaryDirectory();
  writeTree(root, description);
  return ContextTree.open(root, undefined, StatCache.open(root));
});

sourceTreeContract('ContextTree with patterns that match nothing here', (description) => {
  const root = temporaryDirectory();
  writeTree(root, description);
  return ContextTree.open(root, compilePatterns(['**/*.none', '!keep', 'a/b/c']), StatCache.open(root));
});
