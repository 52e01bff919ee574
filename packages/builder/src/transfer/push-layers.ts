import type { Descriptor, Digest, ImageLayer, Reference } from '@tsbuild/oci';
import type { RegistryClient, StoredImage } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { LayerProvider } from '../source/layer-provider.ts';
import { packLayer } from '../source/pack-layer.ts';
import type { Packing, RemoteLayer } from '../source/remote-records.ts';
import type { Store } from '../store/store.ts';

/** Compressing a layer of so many bytes takes a second or more. */
const WORTH_TELLING = 32 * 1024 * 1024;

/** What bringing layers into the form of a registry works with. */
export interface PushWork {
  readonly reporter: ProgressReporter;
  readonly store: Store;
  /** For layers that are not here, and that the registry cannot take from where they lie. */
  readonly provider: LayerProvider;
  readonly client: RegistryClient;
  readonly packing: Packing;
  readonly signal: AbortSignal;
}

/** The layers in the form in which the registry gets them. One after the other: compressing uses all cores by itself. */
export async function remoteLayers(
  image: StoredImage,
  reference: Reference,
  work: PushWork,
): Promise<readonly ImageLayer[]> {
  const layers: ImageLayer[] = [];
  for (const { digest } of image.layers) {
    const { remotes } = work.store;
    const remote = await remotes.layer(digest);
    // A layer that we packed ourselves lies here, wherever else it went.
    const isTheirs = remote !== undefined && !(await remotes.isPackedHere(digest, remote.descriptor.digest));
    const usable = isTheirs && (await isReachable(remote, reference, work));
    layers.push(usable ? elsewhere(digest, remote, work) : await packed(digest, reference, work));
  }
  return layers;
}

/**
 * The layers exactly as a manifest names them that a registry had; undefined when one cannot be had so any more: its home
 * does not have it, and packing gives other bytes.
 */
export async function knownLayers(
  image: StoredImage,
  descriptors: readonly Descriptor[],
  home: { readonly registry: string; readonly repository: string },
  target: Reference,
  work: PushWork,
): Promise<readonly ImageLayer[] | undefined> {
  if (descriptors.length !== image.layers.length) return undefined;
  const layers: ImageLayer[] = [];
  for (const [i, { digest }] of image.layers.entries()) {
    const descriptor = descriptors[i];
    if (descriptor === undefined) return undefined;
    const remote = { registry: home.registry, repository: home.repository, descriptor };
    const layer = (await isReachable(remote, target, work))
      ? elsewhere(digest, remote, work)
      : await packed(digest, target, work);
    if (layer.descriptor.digest !== descriptor.digest) return undefined;
    layers.push(layer);
  }
  return layers;
}

/** A layer's home is asked only when the target lacks the blob: then its bytes must really be there. */
async function isReachable(remote: RemoteLayer, target: Reference, { client, signal }: PushWork): Promise<boolean> {
  const { registry, repository, descriptor } = remote;
  if (await client.hasBlob(target, descriptor.digest, signal).catch(() => false)) return true;
  return client
    .hasBlob({ registry, repository, digest: descriptor.digest }, descriptor.digest, signal)
    .catch(() => false);
}

function elsewhere(diffID: Digest, remote: RemoteLayer, { client }: PushWork): ImageLayer {
  const { registry, repository, descriptor } = remote;
  const home = { registry, repository, digest: descriptor.digest };
  return {
    diffID,
    descriptor,
    open: (signal) => client.blob(home, descriptor, signal),
    origin: { registry, repository },
  };
}

/** Packed here; where the registry has it in another repository, from there. */
async function packed(diffID: Digest, target: Reference, work: PushWork): Promise<ImageLayer> {
  const { store, client, packing, reporter, signal, provider } = work;
  const { remotes, layout } = store;
  const home = await remotes.layer(diffID);
  const known = await remotes.packed(diffID, packing);
  const origin = home?.registry === target.registry && home.descriptor.digest === known?.digest ? home : undefined;
  const descriptor = await packLayer(diffID, {
    blobs: layout.blobs,
    remotes,
    packing,
    isThere: async (blob) => {
      if (await client.hasBlob(target, blob.digest, signal)) return true;
      return origin !== undefined && client.hasBlob(placeOf(origin), blob.digest, signal);
    },
    prepare: async () => {
      const [layer] = await provider.ensure([{ digest: diffID }]);
      if ((layer?.size ?? 0) < WORTH_TELLING) return;
      reporter.report({ type: 'notice', level: 'info', message: `compressing layer ${diffID.slice(7, 19)}` });
    },
    signal,
  });
  const isHere = (await layout.blobs.has(descriptor.digest)) !== undefined;
  return {
    diffID,
    descriptor,
    open: (opened) =>
      isHere || origin === undefined
        ? layout.blobs.open(descriptor.digest)
        : client.blob(placeOf(origin), origin.descriptor, opened),
    ...(origin === undefined ? {} : { origin: { registry: origin.registry, repository: origin.repository } }),
  };
}

function placeOf({ registry, repository, descriptor }: RemoteLayer): Reference {
  return { registry, repository, digest: descriptor.digest };
}
