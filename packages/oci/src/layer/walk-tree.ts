import type { ByteString } from '../spec/byte-string.ts';
import type { RootfsEntry, RootfsTree } from './rootfs-tree.ts';

/** An entry of a merged view, and the name of the same file that came before it. */
export interface WalkedEntry {
  readonly entry: RootfsEntry;
  /** Undefined for the first name, and for all that have no other. */
  readonly first: ByteString | undefined;
}

/** Every entry of a merged view, a directory before what is in it; without recursion, as trees may be thousands deep. */
export function* walkTree(tree: RootfsTree): Generator<WalkedEntry, void, undefined> {
  const firstNames = new Map<string, ByteString>();
  const waiting = tree.list('').toReversed();
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const key = entry.hardLinkKey;
    const first = key === undefined ? undefined : firstNames.get(key);
    if (key !== undefined && first === undefined) firstNames.set(key, entry.path);
    yield { entry, first };
    if (entry.type === 'directory') waiting.push(...tree.list(entry.path).toReversed());
  }
}
