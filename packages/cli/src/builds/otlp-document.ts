import { createHash } from 'node:crypto';
import { type BuildRecord, isTimed, type RecordedPhase, type TimedStep } from '@tsbuild/builder';
import { instructionOf, reasonWithoutValues } from './build-words.ts';
import type { TraceSettings } from './trace-settings.ts';

type Value = string | number | boolean | undefined;

/** Names of OpenTelemetry's conventions for CI, which are not stable yet, in one place. */
const NAMES = {
  pipeline: 'cicd.pipeline.name',
  run: 'cicd.pipeline.run.id',
  result: 'cicd.pipeline.result',
  task: 'cicd.pipeline.task.name',
  taskRun: 'cicd.pipeline.task.run.id',
  taskType: 'cicd.pipeline.task.type',
} as const;
const RESULTS = { done: 'success', failed: 'failure', canceled: 'cancellation' } as const;

const INTERNAL = 1;
const FAILED = { code: 2 } as const;

/**
 * A build as OTLP in JSON: a span for the build, below it one for each step that was looked at and for each phase; links are
 * inputs. Ids follow from that of the build, so that a second export is the same. Instructions are told as written, reasons
 * without values: nothing of arguments, variables or output is in it.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpDocument(record: BuildRecord, { resource, parent }: TraceSettings): unknown {
  const traceId = parent?.traceId ?? hash(record, 'trace', 32);
  const root = hash(record, 'build', 16);
  const span = (key: string) => ({ traceId, spanId: hash(record, key, 16), parentSpanId: root, kind: INTERNAL });
  const steps = record.steps.filter(isTimed);
  const spans = [
    { ...buildSpan(record), traceId, spanId: root, ...parentOf(parent), kind: INTERNAL },
    ...steps.map((step) => ({
      ...span(`step ${step.number}`),
      ...stepSpan(step, record),
      links: (step.inputs ?? []).map((number) => ({ traceId, spanId: hash(record, `step ${number}`, 16) })),
    })),
    ...record.phases.map((phase, at) => ({ ...span(`phase ${at}`), ...phaseSpan(phase) })),
  ];
  const scope = { name: 'tsbuild', version: record.builder?.version };
  return { resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ scope, spans }] }] };
}

function parentOf(parent: TraceSettings['parent']): Readonly<Record<string, string>> {
  if (parent === undefined) return {};
  return { parentSpanId: parent.spanId, ...(parent.state === undefined ? {} : { traceState: parent.state }) };
}

function buildSpan(record: BuildRecord): object {
  const { id, outcome, names, dockerfile, target, platforms, image, started, ended = started, error } = record;
  const name = names[0] ?? dockerfile;
  return {
    name: `build ${name}`,
    ...times(started, ended),
    attributes: attributes({
      [NAMES.pipeline]: name,
      [NAMES.run]: id,
      [NAMES.result]: RESULTS[outcome],
      'tsbuild.dockerfile': dockerfile,
      'tsbuild.target': target,
      'tsbuild.platforms': platforms.join(','),
      'tsbuild.image.id': image?.id,
      'tsbuild.image.size': image?.size,
      'tsbuild.error': error?.code,
    }),
    ...(outcome === 'failed' ? { status: FAILED } : {}),
  };
}

function stepSpan(step: TimedStep, { id }: BuildRecord): object {
  const { number, stage, state, line, layerSize, queued, locked, platform, started, ended } = step;
  return {
    name: instructionOf(step),
    ...times(started, ended),
    attributes: attributes({
      [NAMES.task]: `${stage} ${step.index}/${step.total}`,
      [NAMES.taskRun]: `${id}/${number}`,
      [NAMES.taskType]: 'build',
      'tsbuild.step.state': state,
      'tsbuild.step.stage': stage,
      'tsbuild.step.platform': platform,
      'tsbuild.step.line': line,
      'tsbuild.step.layer.size': layerSize,
      'tsbuild.step.queued_ms': queued,
      'tsbuild.step.locked_ms': locked,
      'tsbuild.step.reason': reasonWithoutValues(step),
    }),
    ...(state === 'failed' ? { status: FAILED } : {}),
  };
}

function phaseSpan({ kind, name, started, ended, bytes, failed }: RecordedPhase): object {
  const facts = { 'tsbuild.phase': kind, 'tsbuild.phase.name': name, 'tsbuild.phase.bytes': bytes };
  return {
    name: kind,
    ...times(started, ended),
    attributes: attributes(facts),
    ...(failed === true ? { status: FAILED } : {}),
  };
}

/** Nanoseconds, as decimal strings: a number of JSON cannot hold them. */
function times(started: number, ended: number): object {
  return { startTimeUnixNano: nanos(started), endTimeUnixNano: nanos(Math.max(started, ended)) };
}

function nanos(milliseconds: number): string {
  return String(BigInt(Math.trunc(milliseconds)) * 1_000_000n);
}

function attributes(values: Readonly<Record<string, Value>>): readonly object[] {
  return Object.entries(values).flatMap(([key, value]): object[] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
    return [{ key, value: typeof value === 'boolean' ? { boolValue: value } : { intValue: String(value) } }];
  });
}

function hash({ id }: BuildRecord, key: string, digits: 16 | 32): string {
  return createHash('sha256').update(`tsbuild ${id} ${key}`).digest('hex').slice(0, digits);
}
