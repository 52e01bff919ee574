import type { BuildRecord, MissReason, RecordedStep, Timeline } from '@tsbuild/builder';
import { cachedText, missText } from '../output/cache-text.ts';
import { humanAge, stepTime } from '../output/human.ts';

/** How a build ended, with what failed afterwards: `done, push failed`. */
export function outcomeText({ outcome, phases }: BuildRecord): string {
  const failed = phases.filter((phase) => phase.failed === true).map(({ kind }) => `${kind} failed`);
  return [outcome, ...failed].join(', ');
}

/** What a build was of: its names, else its Dockerfile and target. */
export function subjectOf({ names, image, project, target }: BuildRecord): string {
  const all = names.length > 0 ? names : (image?.names ?? []);
  if (all.length > 0) return all.join(', ');
  return target === undefined ? project : `${project} (${target})`;
}

export function ageText({ started }: BuildRecord, now: number): string {
  return humanAge(new Date(started).toISOString(), now);
}

/** `ran`, `cached`, …: the state of a step for people. */
export function stateText({ state }: RecordedStep): string {
  if (state === 'run') return 'ran';
  return state === 'waiting' ? 'not reached' : state;
}

/** Why a step ran, or since when it is cached. */
export function whyText(step: RecordedStep, now: number): string {
  const { state, reason, since = now, saved = 0, from } = step;
  if (state === 'cached') return `${cachedText({ since, saved }, now)}${from === undefined ? '' : `, from ${from}`}`;
  return reason === undefined ? '' : reasonText(reason);
}

function reasonText(reason: MissReason): string {
  return missText(reason) ?? reason.summary;
}

/**
 * Why a step ran, for places that others read: kinds and names of what changed, and no value of anything. Undefined where it
 * did not run.
 */
export function reasonWithoutValues({ reason }: RecordedStep): string | undefined {
  if (reason === undefined) return undefined;
  const [first] = reason.changes;
  if (first === undefined) return reason.kind;
  const more = reason.total > 1 ? ` and ${reason.total - 1} more` : '';
  return `${first.kind} ${first.kind === 'step' ? '' : `${first.name} `}${first.change}${more}`;
}

/** `3.2s, steps 4.1s, critical path 2.9s, 1.3 at once`. */
export function timesText({ wall, sum, critical, parallelism }: Timeline): string {
  return `${stepTime(wall)} wall · ${stepTime(sum)} steps · ${stepTime(critical)} critical path · ${parallelism.toFixed(1)} at once`;
}

/** `[linux/arm64 build 2/5] RUN make`: a step with its place. */
export function placedInstruction(step: RecordedStep): string {
  const { platform, stage, index, total } = step;
  return `[${platform === undefined ? '' : `${platform} `}${stage} ${index}/${total}] ${instructionOf(step)}`;
}

/** The text of a step as the Dockerfile has it, on one line. */
export function instructionOf({ source, name }: RecordedStep): string {
  return (source ?? name).replace(/\s*\\?\r?\n\s*/g, ' ');
}
