import { canonicalJson, type JsonValue, sha256Digest } from '@tsbuild/oci';
import type { SourceTree, TreeFingerprint } from '../../context/source-tree.ts';
import type { CopyQuestion } from './copy-memory.ts';
import { matchSource } from './copy-plan.ts';
import type { CopyRequest } from './copy-request.ts';
import { type Rootfs, rootfsId } from '../rootfs.ts';

/** Raise it when the same request would have to mean another listing. */
const FORMAT = 'tsbuild.copy.v2';

/** What a copy reads, as {@link copyQuestion} tells it. */
interface Told {
  readonly place: CopyQuestion['place'];
  readonly what: JsonValue;
  readonly isLasting: () => boolean;
}

/**
 * Everything that decides a copy's listing, without reading or planning it: the request, the parent, and the files by
 * their fingerprints. Undefined where they cannot be told so: in URLs, repositories, archives that are taken apart.
 * @throws BuildError as planning would, for sources that are not there
 */
export function copyQuestion(
  request: CopyRequest,
  parent: Rootfs,
  stage: Rootfs | undefined,
): CopyQuestion | undefined {
  const { from, destination, workingDirectory, chown, chmod, excludes, parents, link } = request;
  const told = from.kind === 'stage' ? stageFiles(request, stage) : contextFiles(request, from.tree());
  if (told === undefined) return undefined;
  const digest = sha256Digest(
    canonicalJson({
      format: FORMAT,
      parent: rootfsId(parent),
      from: from.kind,
      files: told.what,
      destination,
      workingDirectory,
      chown: chown ?? null,
      chmod: chmod?.text ?? null,
      excludes: [...excludes],
      parents,
      link,
    }),
  );
  return { digest, place: told.place, isLasting: told.isLasting };
}

function stageFiles({ sources }: CopyRequest, stage: Rootfs | undefined): Told | undefined {
  const patterns = sources.map((source) => (source.kind === 'paths' && !source.unpack ? source.pattern : undefined));
  if (stage === undefined || !patterns.every((pattern) => pattern !== undefined)) return undefined;
  return { place: '', what: { stage: rootfsId(stage), patterns }, isLasting: () => true };
}

function contextFiles({ sources, parents }: CopyRequest, tree: SourceTree): Told | undefined {
  const { place } = tree;
  if (parents || place === undefined || tree.fingerprint === undefined) return undefined;
  const what: JsonValue[] = [];
  const fingerprints: TreeFingerprint[] = [];
  for (const source of sources) {
    if (source.kind !== 'paths' || source.unpack) return undefined;
    for (const { path, entry, wild } of matchSource(tree, source.pattern)) {
      const fingerprint = tree.fingerprint(entry);
      fingerprints.push(fingerprint);
      what.push({ path, entry: entry.path, wild, is: fingerprint.digest });
    }
  }
  return { place, what, isLasting: () => fingerprints.every((fingerprint) => fingerprint.isLasting()) };
}
