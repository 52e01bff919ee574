import {
  type Artifact,
  attestationOf,
  type Digest,
  digestAlgorithm,
  digestHex,
  imageUrl,
  type InTotoStatement,
  type JsonValue,
} from '@tsbuild/oci';
import type { PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { AttestationOptions, ToolVersion } from './attestation-options.ts';
import type { AttestedBuild, AttestedImage } from './attested-build.ts';
import { SPDX_TYPE, spdxPredicate } from './bill-statement.ts';
import { PROVENANCE_TYPE, provenance } from './provenance.ts';
import { stepFacts } from './step-facts.ts';

/** What is said of one platform's image, and the manifest that holds it. */
export interface PlatformAttestation {
  readonly statements: readonly InTotoStatement[];
  readonly artifact: Artifact;
  /** The image's manifest. */
  readonly attested: Digest;
}

/**
 * The attestations of a build, one for each platform, with the bill of materials before the provenance as in BuildKit.
 * @throws OciError of reading the layers
 */
export async function attest(build: AttestedBuild): Promise<readonly PlatformAttestation[]> {
  const attestations: PlatformAttestation[] = [];
  for (const [at, plan] of build.plan.platforms.entries()) {
    build.signal.throwIfAborted();
    const image = build.images[at];
    if (image === undefined) throw new TypeError('there is an image for each platform');
    const statements = await statementsOf(build, at, { plan, image });
    const { form } = build.options;
    const artifact = attestationOf({ attested: image.manifest, statements, ...(form !== undefined && { form }) });
    attestations.push({ statements, artifact, attested: image.manifest.digest });
  }
  return attestations;
}

async function statementsOf(
  build: AttestedBuild,
  at: number,
  { plan, image }: { readonly plan: PlatformPlan; readonly image: AttestedImage },
): Promise<readonly InTotoStatement[]> {
  const { options, names, reproduced } = build;
  const subject = subjectsOf(image, names, plan);
  const tool = toolOf(options);
  const about = (predicateType: string, predicate: JsonValue): InTotoStatement => ({
    subject,
    predicateType,
    predicate,
  });
  const statements: InTotoStatement[] = [];
  if (options.sbom === true) statements.push(about(SPDX_TYPE, await spdxPredicate(build, at, tool)));
  if (options.provenance !== undefined) {
    const steps = await stepFacts(plan, build);
    const isReproduced = reproduced[at] === true;
    const parts = { options: options.provenance, tool, build, plan, steps, isReproduced };
    statements.push(about(PROVENANCE_TYPE, provenance(parts)));
  }
  return statements;
}

/** One for each name of the image; of an image without a name the digest alone. */
function subjectsOf(
  { manifest }: AttestedImage,
  names: AttestedBuild['names'],
  { platform }: PlatformPlan,
): InTotoStatement['subject'] {
  const digest = { [digestAlgorithm(manifest.digest)]: digestHex(manifest.digest) };
  if (names.length === 0) return [{ digest }];
  return names.map((name) => ({ name: imageUrl(name, platform), digest }));
}

function toolOf({ tool }: AttestationOptions): ToolVersion {
  return tool ?? { name: 'tsbuild', version: 'unknown' };
}
