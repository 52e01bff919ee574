import type { BaseOrigin, OriginStep, StepOrigin } from '../cache/step-origin.ts';
import type { MissChange } from '../progress/miss-reason.ts';

/**
 * Why the files below a step are others than those below its earlier record: the lowest difference, as whatever is above
 * follows from it.
 */
export function diffParents(before: StepOrigin | undefined, after: StepOrigin | undefined): MissChange[] {
  if (before === undefined || after === undefined) return [unknown()];
  if (before.base.id !== after.base.id) return [diffBases(before.base, after.base)];
  const length = Math.max(before.above.length, after.above.length);
  for (let i = 0; i < length; i++) {
    const old = before.above[i];
    const now = after.above[i];
    if (old?.layer !== now?.layer) return [diffAbove(old, now, before.above.slice(i), after.above.slice(i))];
  }
  return [unknown()];
}

function diffBases(before: BaseOrigin, after: BaseOrigin): MissChange {
  const shown = (base: BaseOrigin): string =>
    before.name === after.name
      ? (base.digest ?? base.id)
      : `${base.name}${base.digest === undefined ? '' : `@${base.digest}`}`;
  return { kind: 'base', name: after.name, change: 'changed', before: shown(before), after: shown(after) };
}

/** `old` and `now` stand at the first place where the layers differ; the lists begin with them. */
function diffAbove(
  old: OriginStep | undefined,
  now: OriginStep | undefined,
  before: readonly OriginStep[],
  after: readonly OriginStep[],
): MissChange {
  const among = (steps: readonly OriginStep[], step: OriginStep): boolean =>
    steps.some(({ source }) => source === step.source);
  if (now !== undefined && old !== undefined && now.source === old.source) {
    return { kind: 'step', name: now.name, change: 'changed', step: now.id };
  }
  if (now !== undefined && (old === undefined || among(after, old))) {
    return { kind: 'step', name: now.name, change: 'added', step: now.id };
  }
  if (old !== undefined && (now === undefined || among(before, now))) {
    return { kind: 'step', name: old.name, change: 'removed' };
  }
  return { kind: 'step', name: now?.name ?? '', change: 'changed', ...(now === undefined ? {} : { step: now.id }) };
}

function unknown(): MissChange {
  return { kind: 'step', name: 'the files below it', change: 'changed' };
}
