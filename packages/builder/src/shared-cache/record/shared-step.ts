import { canonicalJson, type JsonValue, sha256Digest } from '@tsbuild/oci';
import type { KeyPreimage } from '../../cache/cache-key.ts';
import type { StepOrigin } from '../../cache/step-origin.ts';
import { looksSecret, maskedText } from '../../explain/mask.ts';
import type { SharedStep } from './shared-record.ts';

/** What stands for a value: it begins with this. */
export const TAG_MARK = '~';

/** Bytes that a step's description may have; without what is above it, then not at all, when there is more. */
const STEP_LIMIT = 6 * 1024;

/**
 * A step as others may know it. Names of fields and variables stay, for explanations; in place of each value stands a tag of
 * 16 bits: enough to say that two differ, and too little to find a value by. (Who knows all other fields can test guesses
 * against the key itself: that is why secrets do not belong into ARG or ENV.)
 */
export function sharedStep(preimage: KeyPreimage, origin: StepOrigin): SharedStep | undefined {
  const step: SharedStep = {
    place: placeOf(origin),
    stage: origin.stage,
    source: maskedText(origin.source),
    definition: redacted(preimage.definition),
    inputs: preimage.inputs.map(({ name, id }) => ({ name, id })),
    arguments: origin.arguments,
    base: { name: origin.base.name, id: origin.base.id },
    above: origin.above.map(({ id, source, layer }) => ({ id, source: maskedText(source), layer })),
  };
  return [step, { ...step, above: [] }].find((smaller) => sizeOf(smaller) <= STEP_LIMIT);
}

/** Steps at the same place of Dockerfiles that are alike: what a step is compared with first. */
export function placeOf({ stage, above }: Pick<StepOrigin, 'stage' | 'above'>): string {
  return `${stage}#${above.length}`;
}

/** The preimage with tags in place of values: two of them differ where the preimages do, but for one time in 65,536. */
export function redactedPreimage({ operation, definition, inputs }: KeyPreimage): KeyPreimage {
  return { operation, definition: redacted(definition), inputs };
}

/** Where a shared step stood, for comparisons. */
export function originOf({ stage, source, arguments: words, base, above }: SharedStep): StepOrigin {
  return {
    stage,
    source,
    name: source,
    arguments: words,
    expanded: {},
    base,
    above: above.map((step) => ({ ...step, name: step.source })),
  };
}

/** Where a step of this build stands, as {@link originOf} tells of others. */
export function maskedOrigin(origin: StepOrigin): StepOrigin {
  const { ignoredBy: _, ...rest } = { ...origin, source: maskedText(origin.source), expanded: {} };
  return { ...rest, name: rest.source, base: { name: origin.base.name, id: origin.base.id } };
}

/** Variables of a step whose names or values say that they are secrets. */
export function secretVariables({ definition }: KeyPreimage): readonly string[] {
  return variablesOf(definition).flatMap((pair) => {
    const [name, value] = splitVariable(pair);
    return looksSecret(name, value) ? [name] : [];
  });
}

function redacted(value: JsonValue, name = ''): JsonValue {
  if (Array.isArray(value)) {
    if (name === 'environment') return value.map((pair: JsonValue) => redactedVariable(pair));
    return value.map((member: JsonValue) => redacted(member));
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, redacted(member as JsonValue, key)]));
  return value === null || typeof value === 'boolean' ? value : tagOf(value);
}

function redactedVariable(pair: JsonValue): JsonValue {
  if (typeof pair !== 'string') return redacted(pair);
  const [name, value] = splitVariable(pair);
  return `${name}=${tagOf(value)}`;
}

function splitVariable(pair: string): readonly [name: string, value: string] {
  const equals = pair.indexOf('=');
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

function variablesOf(definition: JsonValue): readonly string[] {
  const fields = typeof definition === 'object' && definition !== null ? (definition as Record<string, JsonValue>) : {};
  const { environment } = fields;
  return Array.isArray(environment) ? environment.filter((pair) => typeof pair === 'string') : [];
}

/** 16 bits of a value. Empty texts stay: whether something is set at all is no secret. */
function tagOf(value: string | number): string {
  if (value === '') return '';
  return `${TAG_MARK}${sha256Digest(canonicalJson(value)).slice('sha256:'.length, 'sha256:'.length + 4)}`;
}

function sizeOf(step: SharedStep): number {
  return Buffer.byteLength(canonicalJson(step as unknown as JsonValue));
}
