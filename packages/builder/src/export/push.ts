import {
  assembleImage,
  decodeManifest,
  type Digest,
  formatReference,
  type ImageLayer,
  imageOfLayers,
  parseReference,
  readBlob,
  type Reference,
} from '@tsbuild/oci';
import { type RegistryClient, type RegistryOptions, type StoredImage, toRegistry } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import { reachableLayers } from '../shared-cache/layers-at-hand.ts';
import type { LayerProvider } from '../source/layer-provider.ts';
import { packLayer, USUAL_PACKING } from '../source/pack-layer.ts';
import type { Packing, RemoteLayer } from '../source/remote-records.ts';
import type { Store } from '../store/store.ts';
import type { PushResult } from './exporter.ts';

/** What {@link pushImage} works with. */
export interface PushOptions {
  readonly store: Store;
  readonly registry: RegistryOptions;
  /** The name in the registry; default the image's own. */
  readonly as?: string;
  /** Under its digest alone: no tag of the repository changes. */
  readonly byDigest?: boolean;
  /** Of the manifest; those of the image in the store unless told. */
  readonly annotations?: ReadonlyMap<string, string>;
  /** How layers are packed that no registry has packed already; gzip of level 5 unless told. */
  readonly packing?: Packing;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/**
 * Puts an image of the store into a registry. Layers that came from a registry go as the very bytes that they were there
 * (mounted where it is the same registry); the others are compressed, deterministically, so that what was pushed before is
 * recognised and not sent again.
 * @throws OciError of the registry client and the store
 */
export async function pushImage(name: string, options: PushOptions): Promise<PushResult> {
  const { store, reporter, signal } = options;
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, reporter);
  const stored = await store.layout.resolve(name);
  const reference = parseReference(options.as ?? name);
  // Who may not even look need not wait until everything is compressed.
  await access.client().hasBlob(reference, stored.id, signal);
  await using reachable = reachableLayers(store, access.client, { registry: options.registry, signal });
  const layers = await remoteLayers(stored, reference, {
    store,
    provider: reachable.provider,
    client: access.client(),
    packing: options.packing ?? USUAL_PACKING,
    reporter,
    signal,
  });
  const { manifest, config } = assembleImage({
    config: stored.rawConfig,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(await annotationsOf(stored, options)),
  });
  const image = imageOfLayers(manifest, config, layers);
  const { registry, repository } = reference;
  const target = options.byDigest === true ? { registry, repository, digest: image.descriptor.digest } : reference;
  const { digest, size } = await toRegistry(access.client(), target, image, { signal });
  for (const { diffID, descriptor } of layers) {
    if ((await store.remotes.layer(diffID)) === undefined) {
      await store.remotes.putLayer(diffID, { registry, repository, descriptor });
    }
  }
  return { digest, size, reference: formatReference(target) };
}

async function annotationsOf(
  stored: StoredImage,
  { annotations, store }: PushOptions,
): Promise<{ readonly annotations?: Readonly<Record<string, string>> }> {
  if (annotations !== undefined) return annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) };
  const manifest = decodeManifest(await readBlob(store.layout.blobs, stored.manifest), stored.manifest.mediaType);
  return manifest.annotations === undefined ? {} : { annotations: manifest.annotations };
}

/** Compressing a layer of so many bytes takes a second or more. */
const WORTH_TELLING = 32 * 1024 * 1024;

interface PushWork {
  readonly reporter: ProgressReporter;
  readonly store: Store;
  /** For layers that are not here, and that the registry cannot take from where they lie. */
  readonly provider: LayerProvider;
  readonly client: RegistryClient;
  readonly packing: Packing;
  readonly signal: AbortSignal;
}

/** The layers in the form in which the registry gets them. One after the other: compressing uses all cores by itself. */
async function remoteLayers(image: StoredImage, reference: Reference, work: PushWork): Promise<readonly ImageLayer[]> {
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
