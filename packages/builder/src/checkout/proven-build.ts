import { type Digest, type InTotoStatement, isDigest, type JsonValue } from '@tsbuild/oci';
import { cacheKey, type KeyInput } from '../cache/cache-key.ts';
import { fieldsOf, isText } from '../disk/json-members.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { EarlierBuild, EarlierStep } from './recorded-build.ts';

/**
 * What the fields of our provenances mean (docs/provenance.md), their steps too: the preimages of ours. A change of their meaning needs
 * another one.
 */
export const BUILD_TYPE = 'https://tsbuild.dev/provenance/v1';

/** What the provenance of one platform's image says of its build. Nobody has checked who wrote it. */
export interface AttestedFacts {
  /** Milliseconds since 1970; 0 where it does not say. */
  readonly built: number;
  readonly dockerfile: { readonly path: string; readonly sha256: string };
  readonly target?: string;
  readonly platform: string;
  /** `***` for a value that is hidden. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** The digests of the images that it was built on or from, hexadecimal. */
  readonly images: ReadonlySet<string>;
  /** By their ids without a platform. */
  readonly steps: ReadonlyMap<string, EarlierStep<LayerOutput>>;
}

/**
 * Reads a provenance of ours that tells of the steps.
 * @returns undefined for somebody else's, and for one of `--provenance=min`, which has no steps
 */
export function attestedFacts({ predicate }: InTotoStatement): AttestedFacts | undefined {
  const definition = fieldsOf(fieldsOf(predicate)['buildDefinition']);
  const external = fieldsOf(definition['externalParameters']);
  const { steps } = fieldsOf(definition['internalParameters']);
  const { path, digest } = fieldsOf(external['dockerfile']);
  const { platform, target, buildArgs } = external;
  const { sha256 } = fieldsOf(digest);
  if (definition['buildType'] !== BUILD_TYPE || !Array.isArray(steps)) return undefined;
  if (!isText(path) || !isText(sha256) || !isText(platform)) return undefined;
  const { finishedOn } = fieldsOf(fieldsOf(fieldsOf(predicate)['runDetails'])['metadata']);
  const built = isText(finishedOn) ? Date.parse(finishedOn) : 0;
  return {
    built: Number.isNaN(built) ? 0 : built,
    dockerfile: { path, sha256 },
    ...(isText(target) && { target }),
    platform,
    buildArgs: new Map(listOf(buildArgs).map(({ name, value }) => [String(name), isText(value) ? value : '***'])),
    images: new Set(listOf(definition['resolvedDependencies']).flatMap(imageDigest)),
    steps: new Map(steps.flatMap((step: unknown) => attestedStep(fieldsOf(step), built))),
  };
}

/** The steps of the images of one build, as plans name them. */
export class ProvenBuild implements EarlierBuild<LayerOutput> {
  readonly removed: EarlierBuild<LayerOutput>['removed'];
  readonly #steps = new Map<string, EarlierStep<LayerOutput>>();
  readonly #isSameText: boolean;

  /**
   * @param platforms the facts of each platform's image, and the steps that a plan has for it
   * @param isSameText the Dockerfile and the arguments are those of the build
   */
  constructor(
    platforms: readonly { readonly facts: AttestedFacts; readonly planned: readonly string[] }[],
    isSameText: boolean,
  ) {
    this.#isSameText = isSameText;
    const removed = new Map<string, { number: number; stage: string; name: string }>();
    for (const { facts, planned } of platforms) {
      for (const id of planned) {
        const step = facts.steps.get(placeOf(id));
        if (step !== undefined && !this.#steps.has(id)) this.#steps.set(id, step);
      }
      const kept = new Set(planned.map(placeOf));
      for (const [at, id] of [...facts.steps.keys()].entries()) {
        const [, stage = '', index = ''] = /^(.*)\/(\d+)$/s.exec(id) ?? [];
        if (!kept.has(id)) removed.set(id, { number: at + 1, stage, name: `instruction ${index} of the stage` });
      }
    }
    this.removed = [...removed.values()];
  }

  of(id: string): EarlierStep<LayerOutput> | undefined {
    return this.#steps.get(id);
  }

  /** Stages are not in a registry; the text says what is copied of them, and their own steps are compared. */
  get readsAbsentLayers(): 'same' | 'unknown' {
    return this.#isSameText ? 'same' : 'unknown';
  }
}

/** A step's id in a build for its platform alone. */
function placeOf(id: string): string {
  return id.replace(/@[^@]*$/s, '');
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function imageDigest({ uri, name, digest }: Readonly<Record<string, unknown>>): readonly string[] {
  const { sha256 } = fieldsOf(digest);
  const isImage = isText(uri) ? uri.startsWith('pkg:') : isText(name);
  return isImage && isText(sha256) ? [sha256] : [];
}

function attestedStep(
  step: Readonly<Record<string, unknown>>,
  built: number,
): readonly (readonly [string, EarlierStep<LayerOutput>])[] {
  const { id, key, operation, definition, output } = step;
  if (!isText(id) || !isDigest(output)) return [];
  const inputs = listOf(step['inputs']).flatMap(({ name, digest }): KeyInput[] =>
    isText(name) && isDigest(digest) ? [{ name, id: digest }] : [],
  );
  const preimage = {
    operation: isText(operation) ? operation : '',
    definition: (definition ?? null) as JsonValue,
    inputs,
  };
  const own = cacheKey(preimage);
  const record = {
    key: own,
    preimage,
    output: { layer: { digest: output, size: 0 } },
    created: built,
    milliseconds: 0,
  };
  // Without its key something of it is masked; with another one somebody has changed it.
  const why = key === undefined ? 'its provenance hides a value, or does not tell what it was made of' : WRONG_KEY;
  return [[placeOf(id), { record, ...((key as Digest | undefined) !== own && { why }) }]];
}

const WRONG_KEY = 'its provenance contradicts itself';
