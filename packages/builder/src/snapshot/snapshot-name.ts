import type { Digest } from '@tsbuild/oci';

/** What the name of an unpacked layer's directory says. */
export interface SnapshotName {
  /** Hexadecimal: of the layer's diffID, or where `isChain` of the chainID of the stack that it ends. */
  readonly hex: string;
  readonly isChain: boolean;
  /** The name without the mapping of ids that the directory was unpacked under. */
  readonly content: string;
}

/**
 * The name of an unpacked layer: `<hex>` or `chain-<hex>`, and for files that do not lie on the disk under the machine's
 * own ids `.<mapping>` (see `DiskOwners.mappingId`): the same layer has other owners there.
 */
export function snapshotName(digest: Digest, isChain: boolean, mappingId: string): string {
  const hex = digest.slice(digest.indexOf(':') + 1);
  return `${isChain ? 'chain-' : ''}${hex}${mappingId === '' ? '' : `.${mappingId}`}`;
}

/** Reads such a name; undefined for any other. */
export function parseSnapshotName(name: string): SnapshotName | undefined {
  const [, content = '', chain, hex = ''] = /^((chain-)?([0-9a-f]{64}))(?:\.[0-9a-z]{1,12})?$/.exec(name) ?? [];
  return content === '' ? undefined : { hex, isChain: chain !== undefined, content };
}
