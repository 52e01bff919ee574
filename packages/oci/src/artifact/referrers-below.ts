import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';

/** Far more than people attach to an image; a list that leads on for ever is an attack. */
const LIMIT = 1000;

/** Lists what refers to a manifest of some place. */
export type ListReferrers = (subject: Digest) => Promise<readonly Descriptor[]>;

/**
 * What refers to a manifest, and what refers to that (the signature of an SBOM), each once.
 * @param first lists what refers to the manifest itself, where only some of it is wanted
 * @throws OciError `LIMIT_EXCEEDED`, and of the lists
 */
export async function* referrersBelow(
  manifest: Digest,
  list: ListReferrers,
  first: ListReferrers = list,
): AsyncGenerator<Descriptor, void, undefined> {
  const seen = new Set<Digest>();
  const subjects = [manifest];
  for (let subject = subjects.pop(); subject !== undefined; subject = subjects.pop()) {
    for (const found of await (subject === manifest ? first : list)(subject)) {
      if (seen.has(found.digest)) continue;
      if (seen.size >= LIMIT) throw new OciError('LIMIT_EXCEEDED', `more than ${LIMIT} manifests refer to one another`);
      seen.add(found.digest);
      yield found;
      subjects.push(found.digest);
    }
  }
}
