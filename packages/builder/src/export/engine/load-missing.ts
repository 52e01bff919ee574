import { type BlobStore, chainIDs, type Digest, familiarName } from '@tsbuild/oci';
import { type ImageToArchive, type StoredImage, writeArchive } from '@tsbuild/oci/node';
import type { EngineTarget } from '../exporter.ts';
import { EngineApi } from './engine-api.ts';
import { engineEndpoint } from './endpoint.ts';

/** An image to bring into an engine, under its names. */
export type ImageToLoad = Pick<StoredImage, 'config' | 'index'> & ImageToArchive;

/**
 * Loads an image over the engine's API without the layers that the engine has: a changed last layer of a great image takes
 * milliseconds. Afterwards the engine is asked whether it has the very image. False when that is not so, or the API
 * cannot be used: then the whole archive is to be loaded. The classic store takes one image of an index: `onSingle` is told.
 */
export async function loadMissing(
  image: ImageToLoad,
  blobs: BlobStore,
  { environment, onOutput }: EngineTarget,
  signal: AbortSignal,
  onSingle?: () => void,
): Promise<boolean> {
  const endpoint = engineEndpoint(environment);
  if (endpoint === undefined) return false;
  const engine = new EngineApi(endpoint, signal);
  try {
    const takesIndex = image.index === undefined || (await engine.hasContainerdStore()) === true;
    const sent = takesIndex ? image : withoutIndex(image);
    const omit = await heldLayers(engine, sent);
    const { said, failure } = await engine.load((sink) => writeArchive([sent], blobs, sink, { omit }));
    if (failure !== undefined || !(await holds(engine, sent))) return false;
    if (!takesIndex) onSingle?.();
    if (said !== '') onOutput?.(said);
    return true;
  } catch {
    // Nobody listens, or something else than an engine: the docker command will say what is wrong.
    signal.throwIfAborted();
    return false;
  } finally {
    engine.close();
  }
}

/** To send so many bytes takes no longer than to ask for the list of the images (60 ms when there are hundreds). */
const FEW_BYTES = 8 * 1024 * 1024;
/** Nor to send so many than to ask about one of them. */
const BYTES_PER_IMAGE = 64 * 1024;
/** Images that are asked about at once. */
const SOME_IMAGES = 32;

/**
 * The layers of `image` that the engine has: at the bottom of one of its own images, the same ones in the same order. What
 * has the name now is asked about first, most often the last build of it, and the others, the newest first, only while
 * asking takes less time than sending.
 */
async function heldLayers(engine: EngineApi, image: ImageToLoad): Promise<ReadonlySet<Digest>> {
  const held = new Set<Digest>();
  const ask = async (names: readonly string[]): Promise<ReadonlySet<Digest>> => {
    for (const found of await Promise.all(names.map((name) => engine.image(name)))) {
      for (const chain of chainIDs((found?.layers ?? []) as readonly Digest[])) held.add(chain);
    }
    return layersOf(image, held);
  };
  const bytesToSend = (omit: ReadonlySet<Digest>): number =>
    image.layers.reduce((sum, { digest, size }) => (omit.has(digest) ? sum : sum + size), 0);
  let omit = await ask(image.names.map(familiarName));
  if (bytesToSend(omit) <= FEW_BYTES) return omit;
  const ids = await engine.imageIDs();
  for (
    let at = 0;
    at < ids.length && bytesToSend(omit) > Math.max(FEW_BYTES, at * BYTES_PER_IMAGE);
    at += SOME_IMAGES
  ) {
    omit = await ask(ids.slice(at, at + SOME_IMAGES));
  }
  return omit;
}

/** The layers of `image` whose chains are `held`. */
function layersOf(image: ImageToLoad, held: ReadonlySet<Digest>): ReadonlySet<Digest> {
  const omit = new Set<Digest>();
  const needed = new Set<Digest>();
  chainIDs(image.config.rootfs.diff_ids).forEach((chain, i) => {
    const digest = image.layers[i]?.digest;
    if (digest !== undefined) (held.has(chain) ? omit : needed).add(digest);
  });
  // The same bytes may be in an image twice, and only one of the places be held.
  for (const digest of needed) omit.delete(digest);
  return omit;
}

function withoutIndex({ id, manifest, config, layers, names }: ImageToLoad): ImageToLoad {
  return { id, manifest, config, layers, names };
}

async function firstOf(ids: readonly string[], engine: EngineApi): ReturnType<EngineApi['image']> {
  for (const id of ids) {
    const found = await engine.image(id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether every name (or the ID) leads to this image in the engine, whichever digest its store uses for an ID. */
async function holds(engine: EngineApi, image: ImageToLoad): Promise<boolean> {
  const { id, manifest, config, names, index } = image;
  const ids = [id, manifest.digest, ...(index === undefined ? [] : [index.descriptor.digest])];
  const wanted = names.filter(({ tag }) => tag !== undefined).map(familiarName);
  const found = await Promise.all(
    wanted.length > 0 ? wanted.map((name) => engine.image(name)) : [firstOf(ids, engine)],
  );
  const layers = config.rootfs.diff_ids.join();
  return found.every(
    (held) => held !== undefined && ids.some((digest) => digest === held.id) && held.layers.join() === layers,
  );
}
