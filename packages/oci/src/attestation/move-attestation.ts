import type { Descriptor } from '../spec/descriptor.ts';
import { type Digest, digestAlgorithm, digestHex } from '../spec/digest.ts';
import { attestationOf, ATTESTATION_TYPE } from './attestation-manifest.ts';
import type { Artifact } from '../image/artifact.ts';
import { OciError } from '../spec/oci-error.ts';
import type { AttestationFile, ImageAttestation } from './index-attestations.ts';
import type { InTotoStatement } from './statement.ts';

/**
 * The attestation of an image whose manifest is another one now, with the same content: a registry gets layers compressed.
 * Statements about the old manifest become the same statements about the new one; others stay as they are.
 * @returns undefined where no statement is about the old manifest, or one cannot be written again: it is signed, or not one
 * @throws OciError of the place
 * @example
 *   const moved = await moveAttestation(attestation, zipped.descriptor);
 */
export async function moveAttestation(
  { attested, artifact, statements }: ImageAttestation,
  to: Descriptor,
  signal?: AbortSignal,
): Promise<Artifact | undefined> {
  if (statements.length !== artifact.manifest.layers.length) return undefined;
  const moved: InTotoStatement[] = [];
  let isAbout = false;
  for (const file of statements) {
    const statement = await readable(file, signal);
    if (statement === undefined) return undefined;
    const subject = statement.subject.map((one) => {
      const isOld = one.digest[digestAlgorithm(attested)] === digestHex(attested);
      isAbout ||= isOld;
      return isOld ? { ...one, digest: digestSet(to.digest) } : one;
    });
    moved.push({ ...statement, subject });
  }
  if (!isAbout) return undefined;
  const form = artifact.manifest.artifactType === ATTESTATION_TYPE ? 'artifact' : 'image';
  return attestationOf({ attested: to, statements: moved, form });
}

async function readable(file: AttestationFile, signal: AbortSignal | undefined): Promise<InTotoStatement | undefined> {
  try {
    return await file.read(signal);
  } catch (error) {
    const isForeign = error instanceof OciError && /^(?:STATEMENT_INVALID|LIMIT_EXCEEDED)$/.test(error.code);
    if (isForeign) return undefined;
    throw error;
  }
}

/** A digest as statements write it. */
function digestSet(digest: Digest): Readonly<Record<string, string>> {
  return { [digestAlgorithm(digest)]: digestHex(digest) };
}
