import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as fc from 'fast-check';
import { compareTrees } from '../src/layer/tree-comparison.ts';
import { DirectoryTree } from '../src/disk/directory-tree.ts';

/** One thing to be made on disk. */
interface DiskNode {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'link';
  readonly content: string;
  readonly target: string;
  readonly mode: number;
  readonly owner: number;
  readonly mtime: number;
}

/** The content of a directory, to be made by {@link makeState}. */
export type DiskState = readonly DiskNode[];

/** Names that sort in surprising ways, hide, or are no UTF-8 (byte strings); few of them, so that states meet. */
const names = ['a', 'b', 'a-b', 'a.b', '\xff\xfe', '..a', 'a\nb'];
const paths = names.flatMap((one) => [one, ...names.flatMap((two) => [`${one}/${two}`, `${one}/${two}/a`])]);

const node: fc.Arbitrary<DiskNode> = fc.record({
  path: fc.constantFrom(...paths),
  kind: fc.constantFrom('file', 'file', 'directory', 'symlink', 'link'),
  content: fc.string({ maxLength: 4 }),
  target: fc.constantFrom(...paths, '/a', '../b', '/nowhere'),
  mode: fc.constantFrom(0o644, 0o755, 0o600, 0o4711, 0o000),
  owner: fc.constantFrom(0, 0, 1000, 65534, 3_000_000),
  mtime: fc.constantFrom(0, 1, 1_600_000_000, 1_700_000_000, -5),
});

/** Any content of a directory. Later nodes that fit nowhere are passed over. */
export const diskState: fc.Arbitrary<DiskState> = fc.array(node, { maxLength: 14 });

/** Makes a state in an empty directory. Owners are set by root only. */
export function makeState(root: string, nodes: DiskState): void {
  const made = new Map<string, DiskNode>();
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
  const isDirectory = (path: string): boolean => path === '' || made.get(path)?.kind === 'directory';
  const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  for (const one of nodes) {
    const { path, kind, target } = one;
    if (made.has(path)) continue;
    for (const above of ancestors(path)) {
      if (made.has(above)) continue;
      if (!isDirectory(parent(above))) break;
      mkdirSync(at(above));
      made.set(above, { ...one, path: above, kind: 'directory', mode: 0o755 });
    }
    if (!isDirectory(parent(path))) continue;
    if (kind === 'link' && made.get(target)?.kind !== 'file') continue;
    if (kind === 'file') writeFileSync(at(path), one.content);
    else if (kind === 'directory') mkdirSync(at(path));
    else if (kind === 'symlink') symlinkSync(Buffer.from(target, 'latin1'), at(path));
    else linkSync(at(target), at(path));
    made.set(path, one);
  }
  for (const { path, kind, mode, owner, mtime } of [...made.values()].toReversed()) {
    if (kind === 'link') continue;
    const isRoot = process.geteuid?.() === 0;
    if (isRoot && kind === 'symlink') lchownSync(at(path), owner, owner);
    else if (isRoot) chownSync(at(path), owner, owner);
    // An ordinary user could not read what nobody may.
    if (kind !== 'symlink') chmodSync(at(path), isRoot ? mode : mode | 0o700);
    const time = mtime < 0 ? new Date(mtime * 1000) : mtime;
    lutimesSync(at(path), time, time);
  }
}

/**
 * What programs of the machine say of a directory: type, mode, owner, time in whole seconds (not of directories), links,
 * target and content of everything. For comparing without the code that is tested.
 */
export function describeTree(root: string): readonly string[] {
  const run = (...args: readonly string[]): string[] => {
    const options = { cwd: root, encoding: 'latin1', maxBuffer: 1e9 } as const;
    return execFileSync('find', ['.', '-mindepth', '1', ...args], options).split('\0');
  };
  const others = run('!', '-type', 'd', '-printf', '%P\\t%y %m %U:%G %Ts %n %l\\0');
  const directories = run('-type', 'd', '-printf', '%P\\t%y %m %U:%G\\0');
  const contents = run('-type', 'f', '-exec', 'sha256sum', '-z', '{}', '+');
  const groups = new Map<string, string[]>();
  for (const line of run('-type', 'f', '-links', '+1', '-printf', '%i\\t%P\\0')) {
    const [inode = '', path = ''] = line.split('\t');
    groups.set(inode, [...(groups.get(inode) ?? []), path].toSorted());
  }
  return [...others, ...directories, ...contents, ...[...groups.values()].map(String)].filter(Boolean).toSorted();
}

/** In what two directories differ, in words; none when they are the same. */
export async function differences(before: string, after: string): Promise<readonly string[]> {
  const { changes } = await compareTrees(new DirectoryTree(before), new DirectoryTree(after));
  return changes.map(({ kind, path, fields }) => [kind, path, ...fields].join(' '));
}

function ancestors(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}
