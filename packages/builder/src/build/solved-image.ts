import type { BlobInfo, Digest, Platform } from '@tsbuild/oci';
import type { ImageContent } from '@tsbuild/oci/node';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { BuildPlan, PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { Solution } from '../solver/solver.ts';
import type { BuildSession } from './build-session.ts';
import { assembleContent } from './image-assembly.ts';
import { Annotations } from './platforms/annotations.ts';

/** An image that is to be stored. */
export interface SolvedImage {
  readonly content: ImageContent;
  /** Layers whose bytes a shared cache or a registry has, and the store has not. */
  readonly elsewhere: ReadonlySet<Digest>;
}

type ImageSession = Pick<BuildSession, 'layers' | 'options' | 'cache' | 'store'>;

/** The images that a solved plan makes, one for each platform. */
export async function solvedImages(
  { platforms }: BuildPlan,
  { values, results }: Solution<Rootfs, LayerOutput>,
  session: ImageSession,
): Promise<readonly SolvedImage[]> {
  const asks = new Annotations(session.options, platforms);
  const images: SolvedImage[] = [];
  for (const [i, plan] of platforms.entries()) {
    const rootfs = values[i];
    if (rootfs === undefined) throw new TypeError('the solver returns one value for each wanted vertex');
    const { labels, epoch } = session.options;
    const layers = await layersOfImage(rootfs, session);
    const content = assembleContent({
      stage: plan.target,
      platform: asks.tellsPlatforms || isAskedFor(session.options) ? plan.platform : platformOf(plan),
      layers,
      results,
      labels,
      annotations: asks.ofManifest(plan),
      epoch,
    });
    const absent = layers.filter(({ isAbsent }) => isAbsent).map(({ digest }) => digest);
    images.push({ content, elsewhere: new Set(absent) });
  }
  return images;
}

/** Layers as the image names them. */
type NamedLayer = BlobInfo & { readonly isAbsent?: true };

/**
 * All in the store; of a build that shares its cache, those that are known to lie elsewhere stay there until somebody needs
 * their bytes.
 */
async function layersOfImage(
  { layers }: Rootfs,
  { cache, layers: provider, store }: Pick<BuildSession, 'layers' | 'cache' | 'store'>,
): Promise<readonly NamedLayer[]> {
  if (cache === undefined) return provider.ensure(layers);
  return Promise.all(
    layers.map(async ({ digest }): Promise<NamedLayer> => {
      const here = await store.layout.blobs.has(digest);
      if (here !== undefined) return here;
      const size = await cache.baseLayer(digest);
      if (size !== undefined) return { digest, size, isAbsent: true };
      const [fetched] = await provider.ensure([{ digest }]);
      if (fetched === undefined) throw new TypeError('ensure() gives each layer back');
      return fetched;
    }),
  );
}

/** Where no platform was asked for, an image is for what its base is for; scratch is for whatever is built (BuildKit's rule). */
function platformOf({ target, platform }: PlatformPlan): Platform {
  return target.base === undefined ? platform : target.platform;
}

function isAskedFor({ platform, platforms = [] }: ImageSession['options']): boolean {
  return platform !== undefined || platforms.length > 0;
}
