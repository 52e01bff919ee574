import type { ByteString } from '@tsbuild/oci';
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';

/** Where the bytes of copied files come from: a {@link SourceTree}, or less than one. */
export type CopiedContent = Pick<
  SourceTree,
  'contentSha256' | 'knownSha256' | 'remember' | 'open' | 'readAhead' | 'learnAll' | 'wasSeen' | 'place'
>;

/** What all files from one place share. */
export interface CopyOrigin {
  readonly content: CopiedContent;
  /**
   * With an epoch every file gets exactly that: a checkout's times say nothing. Otherwise times are only clamped, as
   * those of a stage or an archive mean something.
   */
  readonly exactTimes: boolean;
}

/** Mode and owner with which an item enters the layer. */
export interface ItemLook {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Something that is copied. */
export interface CopiedItem {
  readonly kind: 'copied';
  readonly entry: SourceEntry;
  readonly origin: CopyOrigin;
  readonly look: ItemLook;
  /** Files with the same group are names of one file. */
  readonly linkGroup: string | undefined;
}

/** A folder on the way to the destination: what the parent has there, or a new one. */
interface ParentItem {
  readonly kind: 'parent';
  readonly look: ItemLook;
  /** The folder whose contents are copied into it, which gives it its time. */
  readonly timeFrom: SourceEntry | undefined;
}

/** One path that the copy puts into the layer. */
export type CopyItem = CopiedItem | ParentItem;

/** What a copy will write. */
export interface CopyPlan {
  /** Every path of the layer by its place in the image, in byte order. */
  readonly items: ReadonlyMap<ByteString, CopyItem>;
  /** Paths of the parent that must not show any more, in byte order. */
  readonly removed: readonly ByteString[];
}

/** The type of what an item puts at its place. */
export function itemType(item: CopyItem): SourceEntry['type'] {
  return item.kind === 'parent' ? 'directory' : item.entry.type;
}
