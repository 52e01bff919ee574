import { type BlobStore, chainIDs, type Digest, familiarName } from '@tsbuild/oci';
import { type ImageToArchive, type StoredImage, writeArchive } from '@tsbuild/oci/node';
import type { Host } from '../host.ts';
import { sanitizeText } from '../output/sanitize.ts';
import { EngineApi, type EngineImage } from './engine-api.ts';
import { engineEndpoint } from './endpoint.ts';

/** An image to bring into an engine, under its names. */
export type ImageToLoad = Pick<StoredImage, 'config'> & ImageToArchive;

/**
 * Loads an image over the engine's API without the layers that the engine has: a changed last layer of a great image takes
 * milliseconds. Afterwards the engine is asked whether it has the very image. False when that is not so, or the API
 * cannot be used: then the whole archive is to be loaded.
 */
export async function loadMissing(image: ImageToLoad, blobs: BlobStore, host: Host): Promise<boolean> {
  const endpoint = engineEndpoint(host.env);
  if (endpoint === undefined) return false;
  const engine = new EngineApi(endpoint, host.signal);
  try {
    const omit = layersOf(image, await engine.images());
    const { said, failure } = await engine.load((sink) => writeArchive([image], blobs, sink, { omit }));
    if (failure !== undefined || !(await holds(engine, image))) return false;
    host.stderr.write(sanitizeText(said));
    return true;
  } catch {
    // Nobody listens, or something else than an engine: the docker command will say what is wrong.
    host.signal.throwIfAborted();
    return false;
  } finally {
    engine.close();
  }
}

/** The layers of `image` that the engine has: at the bottom of one of its own images, the same ones in the same order. */
function layersOf(image: ImageToLoad, present: readonly EngineImage[]): ReadonlySet<Digest> {
  const { diff_ids: diffIDs } = image.config.rootfs;
  const held = new Set(present.flatMap(({ layers }) => chainIDs(layers as readonly Digest[])));
  const omit = new Set<Digest>();
  const needed = new Set<Digest>();
  chainIDs(diffIDs).forEach((chain, i) => {
    const digest = image.layers[i]?.digest;
    if (digest !== undefined) (held.has(chain) ? omit : needed).add(digest);
  });
  // The same bytes may be in an image twice, and only one of the places be held.
  for (const digest of needed) omit.delete(digest);
  return omit;
}

/** Whether every name (or the ID) leads to this image in the engine, whichever digest its store uses for an ID. */
async function holds(engine: EngineApi, { id, manifest, config, names }: ImageToLoad): Promise<boolean> {
  const wanted = names.filter(({ tag }) => tag !== undefined).map(familiarName);
  const found = await Promise.all(
    wanted.length > 0
      ? wanted.map((name) => engine.image(name))
      : [engine.image(id).then(async (image) => image ?? engine.image(manifest.digest))],
  );
  const layers = config.rootfs.diff_ids.join();
  return found.every(
    (image) =>
      image !== undefined &&
      [id, manifest.digest].some((digest) => digest === image.id) &&
      image.layers.join() === layers,
  );
}
