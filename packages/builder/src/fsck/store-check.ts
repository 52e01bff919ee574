import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { chainID, type Digest, OciError } from '@tsbuild/oci';
import { type VerifiedLayout, verifyLayoutAt, type StoreFinding } from '@tsbuild/oci/internal';
import { Layout, LayerIndexStore, DirectoryBlobStore } from '@tsbuild/oci/node';
import { RemoteRecords } from '../source/remote-records.ts';
import { storePath } from '../disk/store-paths.ts';
import { verifyRecords } from '../cache/verify-records.ts';
import { SmallFiles } from './small-files.ts';
import { isLayerOutput, type LayerOutput } from '../ops/rootfs.ts';
import { verifySnapshots } from '../snapshot/verify-snapshots.ts';
import { storeLitter } from '../store/store-litter.ts';

/** How {@link checkStore} looks, and whether it mends. */
export interface CheckStoreOptions {
  /** Trust content whose size is right; reads no layer. */
  readonly quick?: boolean;
  readonly repair?: boolean;
  /** With `repair`: also remove images that are not whole. */
  readonly removeImages?: boolean;
}

/** A finding, and what became of it. */
export interface CheckedFinding extends Omit<StoreFinding, 'repair'> {
  /** `found`, or after a repair `repaired`, `failed`, or `lost`: only a new build or pull can bring it back. */
  readonly outcome: 'found' | 'repaired' | 'failed' | 'lost';
  /** What the repair did, or why it could not. */
  readonly action?: string;
}

/** What {@link checkStore} found. */
export interface StoreCheck {
  readonly findings: readonly CheckedFinding[];
  readonly images: number;
  readonly records: number;
  readonly snapshots: number;
  readonly cacheMounts: number;
}

/**
 * Checks all that is in the store at `root`, and with `repair` mends what can be mended without losing anything good.
 * Builds may run meanwhile: what they are writing is no finding.
 * @throws OciError `LAYOUT_INVALID` when there is no store, or one of a newer format; the signal's reason
 */
export async function checkStore(root: string, options: CheckStoreOptions, signal: AbortSignal): Promise<StoreCheck> {
  const findings: StoreFinding[] = [];
  const report = (finding: StoreFinding): void => void findings.push(finding);
  const { quick = false, removeImages = false, repair = false } = options;
  const path = resolve(root);
  if (!existsSync(path) || readdirSync(path).length === 0) {
    throw new OciError('LAYOUT_INVALID', `there is no image store at ${path}`, { fields: { path } });
  }
  await using _lease = await leaseOf(path);
  const remotes = new RemoteRecords(storePath(path, 'remotes'));
  const isElsewhere = async (layer: Digest): Promise<boolean> => (await remotes.sharedLayer(layer)) !== undefined;
  const check = { quick, removeImages, signal, report, isElsewhere };
  const layout = await verifyLayoutAt(path, check);
  const chains = new Map(layout.chains);
  const records = await verifyRecords<LayerOutput>(path, recordChecks(layout, chains), check);
  const blobs = new DirectoryBlobStore(path);
  const indexes = new LayerIndexStore(storePath(path, 'indexes'), blobs);
  const snapshots = await verifySnapshots(
    path,
    {
      chains,
      index: async (layer) =>
        (await layout.blobs.fault(layer)) === undefined
          ? indexes.get(layer).catch(() => undefined)
          : indexes.kept(layer),
    },
    check,
  );
  const small = new SmallFiles(path, check);
  await small.known(layout.blobs);
  const cacheMounts = small.cacheMounts();
  small.containers();
  findings.push(...storeLitter(path));
  return { findings: await settle(findings, repair), images: layout.images, records, snapshots, cacheMounts };
}

/** A record's layer must be there; what stack it makes tells what an unpacked directory is of. */
function recordChecks(
  layout: VerifiedLayout,
  chains: Map<Digest, Digest>,
): Parameters<typeof verifyRecords<LayerOutput>>[1] {
  return {
    isOutput: isLayerOutput,
    outputFault: async ({ layer }) => {
      const fault = await layout.blobs.fault(layer.digest, layer.size);
      return fault === undefined ? undefined : `its layer ${layer.digest} is ${fault}`;
    },
    sound: (inputs, { layer }) => {
      chains.set(layer.digest, layer.digest);
      for (const { id } of inputs) chains.set(chainID([id, layer.digest]), layer.digest);
    },
  };
}

async function settle(findings: readonly StoreFinding[], mend: boolean): Promise<readonly CheckedFinding[]> {
  const settled: CheckedFinding[] = [];
  for (const { repair, ...finding } of findings) {
    if (!mend) settled.push({ ...finding, outcome: 'found' });
    else if (repair === undefined) settled.push({ ...finding, outcome: 'lost' });
    else {
      try {
        await repair.run();
        settled.push({ ...finding, outcome: 'repaired', action: repair.done });
      } catch (error) {
        const action = error instanceof Error ? error.message : String(error);
        settled.push({ ...finding, outcome: 'failed', action });
      }
    }
  }
  return settled;
}

/** Keeps blobs from being collected while they are read; a store that is damaged or read-only is checked without. */
async function leaseOf(root: string): Promise<AsyncDisposable> {
  try {
    return await (await Layout.open(root)).lease();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return { [Symbol.asyncDispose]: async () => {} };
  }
}
