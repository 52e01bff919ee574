import type { SourceEntry } from '@tsbuild/builder';
import { describe, expect, it } from 'vitest';
import { ContextUse } from '../../src/watch/context-use.ts';

const entry = (path: string, more: Partial<SourceEntry> = {}): SourceEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  mtime: { seconds: 0, nanoseconds: 0 },
  linkPath: '',
  devMajor: 0,
  devMinor: 0,
  ...more,
});

function use() {
  const watched: string[] = [];
  const made = new ContextUse((directory) => watched.push(directory));
  const observer = made.directory('/ctx', (path) => path.startsWith('ignored'));
  return { use: made, observer, watched };
}

describe('what a build used', () => {
  it('is concerned by what it read, and by names that it may have wanted', () => {
    const { use: made, observer } = use();
    observer.listing('');
    observer.listed('', [entry('a'), entry('b'), entry('link', { type: 'symlink' }), entry('c', { hardLinkKey: '1' })]);
    observer.reading('a');
    const concerned = (complete: boolean): readonly string[] =>
      ['a', 'b', 'c', 'link', 'new', 'ignored', 'sub/x'].filter((name) => made.concerns(`/ctx/${name}`, complete));
    expect(concerned(true)).toEqual(['a', 'c', 'link', 'new']);
    // A build that failed may have wanted more than it came to read.
    expect(concerned(false)).toEqual(['a', 'b', 'c', 'link', 'new']);
    expect(made.concerns('/other/a', false)).toBe(false);
    expect([made.knows('/ctx/b'), made.knows('/ctx/new'), made.knows('/ctx/nothing')]).toEqual([true, false, false]);
  });

  it('is concerned by what it looked for in vain, and by nothing beside it', () => {
    const { use: made, observer, watched } = use();
    observer.lookingUp('folder');
    observer.lookingUp('folder/missing');
    expect(watched).toEqual(['/ctx', '/ctx/folder']);
    expect(made.concerns('/ctx/folder/missing', true)).toBe(true);
    expect(made.concerns('/ctx/folder/other', false)).toBe(false);
  });

  it('has seen what changed before it looked, and not what changed after', () => {
    const { use: made, observer } = use();
    const before = performance.now() - 1;
    observer.listing('');
    observer.listed('', [entry('a')]);
    observer.reading('a');
    expect(made.concerns('/ctx/a', true, before)).toBe(false);
    expect(made.concerns('/ctx/a', true, performance.now() + 1)).toBe(true);
  });

  it('knows a context that is the root of the machine', () => {
    const watched: string[] = [];
    const made = new ContextUse((directory) => watched.push(directory));
    const observer = made.directory('/', () => false);
    observer.listing('');
    observer.listing('etc');
    expect(watched).toEqual(['/', '/etc']);
    expect(made.concerns('/etc/new', false)).toBe(true);
  });
});
