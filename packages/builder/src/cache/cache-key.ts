import { canonicalJson, type Digest, type JsonValue, sha256Digest } from '@tsbuild/oci';

/** The version of the formula. Raise it when the same preimage would have to mean another result. */
const KEY_FORMAT = 'tsbuild.key.v1';

/**
 * Everything that decides a step's result, in one value. The key is the digest of its canonical JSON, and the preimage
 * is kept with the record, so that a miss can be explained by comparing two preimages.
 */
export interface KeyPreimage {
  /** The kind of step: `run`, `copy`, `workdir`. */
  readonly operation: string;
  /** The step's own parameters (argv, environment, destination, …): whatever changes the result besides its inputs. */
  readonly definition: JsonValue;
  /** What the step reads, by content id, in a fixed order: a rebuilt input with the same content changes nothing. */
  readonly inputs: readonly KeyInput[];
}

/** One input of a step. */
export interface KeyInput {
  /** What it is to the step, e.g. `parent` or `files`. */
  readonly name: string;
  readonly id: Digest;
  /** The text whose digest `id` is, when it is a listing (one line per file): kept so that a miss names the file. */
  readonly listing?: string;
  /** What people call the paths of `listing`: a function is made for it only when a miss is explained. */
  readonly shownPath?: () => (path: string) => string;
}

/** The canonical text behind a key; the listings enter by their ids alone. */
export function preimageText(preimage: KeyPreimage): string {
  return canonicalJson({
    format: KEY_FORMAT,
    operation: preimage.operation,
    definition: preimage.definition,
    inputs: preimage.inputs.map((input) => ({ name: input.name, id: input.id })),
  });
}

/** The one key formula: sha256 over the canonical preimage. JSON frames every part, so no two preimages collide. */
export function cacheKey(preimage: KeyPreimage): Digest {
  return sha256Digest(preimageText(preimage));
}
