import { attestationEntry, copyContent, formatPlatform, type Reference, samePlatform } from '@tsbuild/oci';
import { blobSink, hostPlatform, type IndexMember, type Layout, type StoredImage } from '@tsbuild/oci/node';
import type { PlatformAttestation } from '../../attestation/attest.ts';
import type { BuildPlan, PlatformPlan } from '../../plan/platforms/build-plan.ts';
import type { PlatformResult } from '../build-options.ts';
import { layersOf } from '../build-result.ts';
import type { BuildSession } from '../build-session.ts';
import type { SolvedImage } from '../solved-image.ts';
import { Annotations } from './annotations.ts';

/** What a build has put into the store. */
export interface StoredBuild {
  /** The image of the names: with an index, its image for this machine, else the first. */
  readonly image: StoredImage;
  /** Each platform's, in the order of the plan. */
  readonly images: readonly StoredImage[];
}

/** Stores the images of a plan under these names: one as itself, several as an index over them. */
export async function storeImages(
  plan: BuildPlan,
  solved: readonly SolvedImage[],
  names: readonly Reference[],
  { store: { layout }, options }: Pick<BuildSession, 'store' | 'options'>,
  attestations: readonly PlatformAttestation[] = [],
): Promise<StoredBuild> {
  const annotations = new Annotations(options, plan.platforms);
  const [only] = solved;
  const isListed = options.cacheOnly !== true;
  if (!annotations.hasIndex && only !== undefined) {
    const { content, elsewhere } = only;
    const image = await (isListed
      ? layout.add(content, names, { elsewhere })
      : layout.addUnlisted(content, { elsewhere }));
    return { image, images: [image] };
  }
  const elsewhere = new Set(solved.flatMap((each) => [...each.elsewhere]));
  const images = plan.platforms.flatMap((of, i): readonly IndexMember[] => {
    const manifest = solved[i]?.content;
    return manifest === undefined ? [] : [{ manifest, ...told('annotations', annotations.ofEntry(of)) }];
  });
  const content = {
    members: [...images, ...(await storeAttestations(attestations, layout))],
    ...told('annotations', annotations.ofIndex()),
    ...told('descriptorAnnotations', annotations.ofIndexEntry()),
  };
  const stored = await (isListed
    ? layout.addIndex(content, names, { elsewhere })
    : layout.addIndexUnlisted(content, { elsewhere }));
  const own = stored.images.findIndex(({ platform }) => samePlatform(platform, hostPlatform()));
  const chosen = stored.images[Math.max(own, 0)];
  if (chosen === undefined) throw new TypeError('an index of a build has an image');
  const index = { descriptor: stored.descriptor, ...(own < 0 ? { isFirst: true as const } : {}) };
  return { image: { ...chosen, names: stored.names, index }, images: stored.images };
}

/** Puts the attestations where the index will find them. @returns their entries */
async function storeAttestations(
  attestations: readonly PlatformAttestation[],
  { blobs }: Pick<Layout, 'blobs'>,
): Promise<readonly IndexMember[]> {
  const members: IndexMember[] = [];
  for (const { artifact, attested } of attestations) {
    await copyContent(
      { ...artifact.content, document: async () => artifact.rawManifest },
      artifact.descriptor,
      blobSink(blobs),
    );
    const { platform, annotations, ...manifest } = attestationEntry(artifact, attested);
    members.push({ manifest, ...(platform && { platform }), ...(annotations && { annotations }) });
  }
  return members;
}

/** What the build gave for each platform. */
export async function platformResults(
  { platforms }: BuildPlan,
  images: readonly StoredImage[],
  { store }: Pick<BuildSession, 'store'>,
): Promise<readonly PlatformResult[]> {
  const results: PlatformResult[] = [];
  for (const [i, plan] of platforms.entries()) {
    const image = images[i];
    if (image === undefined) throw new TypeError('there is an image for each platform');
    results.push(await resultOf(plan, image, store));
  }
  return results;
}

async function resultOf(plan: PlatformPlan, image: StoredImage, store: BuildSession['store']): Promise<PlatformResult> {
  const layers = await layersOf(image, plan, store);
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  return { platform: formatPlatform(plan.platform), image, size, layers };
}

/** The bytes of all layers, those that platforms share once. */
export function sizeOfAll(results: readonly PlatformResult[]): number {
  const sizes = new Map(
    results.flatMap(({ image, layers }) =>
      image.layers.map(({ digest }, i) => [digest, layers[i]?.size ?? 0] as const),
    ),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function told<K extends string>(
  name: K,
  annotations: ReadonlyMap<string, string>,
): { readonly [name in K]?: Readonly<Record<string, string>> } {
  if (annotations.size === 0) return {};
  return { [name]: Object.fromEntries(annotations) } as { readonly [name in K]: Readonly<Record<string, string>> };
}
