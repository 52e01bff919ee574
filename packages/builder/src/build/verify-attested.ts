import { blobContent, indexAttestations, sha256Digest } from '@tsbuild/oci';
import type { StoredImage } from '@tsbuild/oci/node';
import type { Material } from '../attestation/material.ts';
import { ProvenBuild, attestedFacts, type AttestedFacts } from '../checkout/proven-build.ts';
import type { ConfigDifference } from '../checkout/config-diff.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import type { Store } from '../store/store.ts';
import type { BuildOptions } from './build-options.ts';
import type { BuildSession } from './build-session.ts';

/** The build of an image that was pulled or loaded, as its provenances tell it. */
export interface ProvenImages {
  readonly images: readonly StoredImage[];
  /** Of each image. */
  readonly facts: readonly AttestedFacts[];
  readonly platforms: readonly string[];
  readonly started: number;
  readonly target?: string;
}

/**
 * The build of an image of which the store has no record, by the provenances in its index: of the platform that is asked for, else of
 * all that are here.
 * @throws BuildError `NOT_VERIFIABLE` where none tells of the steps
 */
export async function attestedBuildOf(
  image: StoredImage,
  name: string,
  { options, rebuild }: { readonly options: Pick<BuildOptions, 'platform' | 'platforms'>; readonly rebuild: boolean },
  { store: { layout }, signal }: { readonly store: Store; readonly signal: AbortSignal },
): Promise<ProvenImages> {
  const stored = await layout.index(image);
  const asked = options.platforms ?? (options.platform === undefined ? undefined : [options.platform]);
  const images: StoredImage[] = [];
  const facts: AttestedFacts[] = [];
  const attestations =
    stored === undefined
      ? []
      : await indexAttestations({ index: stored.index, content: blobContent(layout.blobs) }, signal);
  for (const member of stored?.images ?? []) {
    const files = attestations.filter(({ attested }) => attested === member.manifest.digest);
    for (const file of files.flatMap(({ statements }) => statements)) {
      if (!file.predicateType.startsWith('https://slsa.dev/provenance/')) continue;
      const found = attestedFacts(await file.read(signal));
      if (found === undefined || asked?.includes(found.platform) === false) continue;
      images.push(await layout.resolve(member.id));
      facts.push(found);
      break;
    }
  }
  const [first] = facts;
  if (first === undefined) {
    throw new BuildError('NOT_VERIFIABLE', `nothing is known of the build of ${name}: it has no build record here`, {
      hint: 'an image can be verified in the store that built it; pulled and loaded images need --provenance=max in their build, and pull --platform all',
    });
  }
  if (rebuild) {
    throw new BuildError(
      'NOT_VERIFIABLE',
      `cannot rebuild ${name} to compare: only the store that built it has the layers of all stages`,
      {
        hint: 'verify it without --rebuild; or build it with the same SOURCE_DATE_EPOCH and compare the IDs of the images',
      },
    );
  }
  const { target } = first;
  return {
    images,
    facts,
    platforms: facts.map(({ platform }) => platform),
    started: Math.max(...facts.map(({ built }) => built)),
    ...(target !== undefined && { target }),
  };
}

/** The steps of a plan beside those that the provenances tell. */
export function attestedSteps({ facts }: ProvenImages, plan: BuildPlan, session: BuildSession): ProvenBuild {
  const text = sha256Digest(session.file.text);
  const isSameText = facts.every(
    ({ dockerfile, buildArgs }) =>
      `sha256:${dockerfile.sha256}` === text && isSame(buildArgs, session.options.buildArgs),
  );
  const platforms = facts.flatMap((of, i) => {
    const stages = plan.platforms[i]?.stages;
    return stages === undefined
      ? []
      : [{ facts: of, planned: stages.flatMap(({ steps }) => steps.map(({ id }) => id)) }];
  });
  return new ProvenBuild(platforms, isSameText);
}

/** Base images that are not what they were, by their digests: a tag may have moved since. */
export function otherBases({ facts }: ProvenImages, materials: readonly Material[]): readonly ConfigDifference[] {
  const known = new Set(facts.flatMap(({ images }) => [...images].map((hex) => `sha256:${hex}`)));
  const others = materials.filter((material) => material.kind === 'image' && !known.has(material.digest));
  const names = new Set(others.map((material) => (material.kind === 'image' ? material.reference : '')));
  return [...names].map((name) => ({ kind: 'base', name }));
}

function isSame(attested: ReadonlyMap<string, string>, given: BuildOptions['buildArgs']): boolean {
  return attested.size === given.size && [...attested].every(([name, value]) => given.get(name) === value);
}
