import type { ProgressEvent } from '@tsbuild/builder';
import { humanDuration, stepTime } from './human.ts';
import { sanitizeName, sanitizeText } from './sanitize.ts';

type StepCached = Extract<ProgressEvent, { type: 'step-cached' }>;
type MissReason = Extract<ProgressEvent, { type: 'step-missed' }>['reason'];

/** What the cache gave: `3 days ago, saved 12.4s`. `now`: milliseconds since 1970. */
export function cachedText({ since, saved }: Pick<StepCached, 'since' | 'saved'>, now: number): string {
  const age = Math.max(0, now - since);
  const when = age < 1000 ? 'just now' : `${humanDuration(age).toLowerCase()} ago`;
  // What took less than that saved nobody anything.
  return saved < 50 ? when : `${when}, saved ${stepTime(saved)}`;
}

/**
 * Why a step is executed, on one line: `ran again: src/index.ts changed and 2 more`. Undefined where the whole stage is new:
 * that every step of it is new, too, goes without saying.
 */
export function missText(reason: MissReason): string | undefined {
  if (reason.kind === 'never-built') return reason.stageKnown ? reason.summary : undefined;
  return `ran again: ${sanitizeName(sanitizeText(reason.summary).replace(/\s*\n\s*/g, ' '))}`;
}
