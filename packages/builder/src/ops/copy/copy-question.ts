import { canonicalJson, type JsonValue, sha256Digest } from '@tsbuild/oci';
import type { SourceTree, TreeFingerprint } from '../../context/source-tree.ts';
import type { CopyQuestion } from './copy-memory.ts';
import { matchSource } from './copy-plan.ts';
import type { CopyFlags, CopyInputs, CopySource, PathsSource } from './copy-request.ts';
import { type Rootfs, rootfsId } from '../rootfs.ts';

/** Raise it when the same request would have to mean another listing. */
const FORMAT = 'tsbuild.copy.v2';

/** Each field of `T` as it is told; one that is missing does not compile. */
type Told<T> = { readonly [K in keyof T]-?: JsonValue };

/** What a copy reads, as {@link copyQuestion} tells it. */
interface ToldFiles {
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
  request: CopyInputs & CopyFlags,
  parent: Rootfs,
  stage: Rootfs | undefined,
): CopyQuestion | undefined {
  const { from } = request;
  const told = from.kind === 'stage' ? stageFiles(request, stage) : contextFiles(request, from.tree());
  if (told === undefined) return undefined;
  const inputs = {
    parent: rootfsId(parent),
    from: from.kind,
    sources: told.what,
  } satisfies Told<CopyInputs>;
  const { sources: files, ...others } = inputs;
  const text = canonicalJson({ format: FORMAT, ...others, files, ...toldFlags(request) });
  return { digest: sha256Digest(text), place: told.place, isLasting: told.isLasting };
}

/** The flags as they are written. */
export function toldFlags(flags: CopyFlags): Told<CopyFlags> {
  const { destination, workingDirectory, chown, chmod, excludes, parents, link } = flags;
  return {
    destination,
    workingDirectory,
    chown: chown ?? null,
    chmod: chmod?.text ?? null,
    excludes: [...excludes],
    parents,
    link,
  };
}

/** What is not classified in {@link patternOf} does not compile there. */
type Unclassified = { readonly [K in Exclude<keyof PathsSource, 'kind' | 'pattern' | 'unpack'>]: never };

/** The pattern of a source, where nothing else of it decides what is copied. */
function patternOf(source: CopySource): string | undefined {
  if (source.kind !== 'paths') return undefined;
  const { pattern, unpack } = source satisfies Unclassified;
  return unpack ? undefined : pattern;
}

function stageFiles({ sources }: CopyInputs, stage: Rootfs | undefined): ToldFiles | undefined {
  const patterns = sources.map(patternOf);
  if (stage === undefined || !patterns.every((pattern) => pattern !== undefined)) return undefined;
  return { place: '', what: { stage: rootfsId(stage), patterns }, isLasting: () => true };
}

function contextFiles({ sources, parents }: CopyInputs & CopyFlags, tree: SourceTree): ToldFiles | undefined {
  const { place } = tree;
  if (parents || place === undefined || tree.fingerprint === undefined) return undefined;
  const what: JsonValue[] = [];
  const fingerprints: TreeFingerprint[] = [];
  for (const source of sources) {
    const pattern = patternOf(source);
    if (pattern === undefined) return undefined;
    for (const { path, entry, wild } of matchSource(tree, pattern)) {
      const fingerprint = tree.fingerprint(entry);
      fingerprints.push(fingerprint);
      what.push({ path, entry: entry.path, wild, is: fingerprint.digest });
    }
  }
  return { place, what, isLasting: () => fingerprints.every((fingerprint) => fingerprint.isLasting()) };
}
