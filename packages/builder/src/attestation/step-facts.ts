import type { Digest } from '@tsbuild/oci';
import type { KeyPreimage } from '../cache/cache-key.ts';
import type { BuildStep, BuildVertex, Plan } from '../plan/plan.ts';
import type { AttestedBuild } from './attested-build.ts';

/** What is known of a step that is done. Times in milliseconds since 1970. */
export interface StepFacts {
  readonly id: string;
  /** Where its instruction begins in the Dockerfile, from 1. */
  readonly line: number;
  /** Undefined when its record is gone. */
  readonly preimage: KeyPreimage | undefined;
  readonly key: Digest;
  /** The diffID of its layer. */
  readonly output: Digest;
  readonly started: number;
  readonly finished: number;
  /** The names of contexts by the names of inputs that are read from them; `''` is the build context. */
  readonly contexts: ReadonlyMap<string, string>;
}

/**
 * The steps that an image of a plan needs, in the order of the Dockerfile, from the records of their executions: a cached step
 * tells the same as it did when it was executed.
 */
export async function stepFacts(
  plan: Plan,
  { results, store }: Pick<AttestedBuild, 'results' | 'store'>,
): Promise<readonly StepFacts[]> {
  const vertices = verticesBehind(plan.target.rootfs);
  const facts: StepFacts[] = [];
  const lines = new Map(plan.stages.flatMap(({ steps }) => steps.map((step) => [step.id, step.range.start.line])));
  for (const [id, line] of lines) {
    const [vertex, result] = [vertices.get(id), results.get(id)];
    if (vertex === undefined || result === undefined) continue;
    const { key, output, created } = result;
    const record = await store.records.peek(key);
    facts.push({
      id,
      line,
      preimage: record?.preimage,
      key,
      output: output.layer.digest,
      started: created - (record?.milliseconds ?? 0),
      finished: created,
      contexts: vertex.contexts ?? new Map(),
    });
  }
  return facts;
}

function verticesBehind(root: BuildVertex): ReadonlyMap<string, BuildStep> {
  const found = new Map<string, BuildStep>();
  const waiting = [root];
  for (let vertex = waiting.pop(); vertex !== undefined; vertex = waiting.pop()) {
    if (vertex.kind !== 'step' || found.has(vertex.id)) continue;
    found.set(vertex.id, vertex);
    waiting.push(...vertex.inputs);
  }
  return found;
}
