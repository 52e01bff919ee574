import { ESCAPES } from './escapes.ts';
import { FEATURES } from './features.ts';
import { INTRUDERS } from './intruders.ts';
import type { Intruder } from './intruders.ts';
import type { Mode } from './modes.ts';
import type { Host } from './prey.ts';
import type { Probe } from './probe.ts';
import { runProbes } from './run-probes.ts';
import type { Result } from './run-probes.ts';

/** One cell of the table. */
export interface Cell {
  readonly text: string;
  readonly good: boolean;
}

/** What is tried in a mode; all of it unless told. */
export interface Attacks {
  readonly features?: readonly Probe[];
  readonly escapes?: readonly Probe[];
  readonly intruders?: readonly Intruder[];
}

/** What a mode can and cannot do. */
export interface Trial {
  readonly mode: Mode;
  readonly features: readonly Cell[];
  readonly escapes: readonly Cell[];
  readonly intruders: readonly Cell[];
  /** What changed on the machine; undefined when nothing. */
  readonly harm: string | undefined;
}

/** Tries features, escapes and intruders in one mode. */
export async function tryMode(mode: Mode, host: Host, what: Attacks & { readonly base: string }): Promise<Trial> {
  const common = { base: what.base, prey: host.prey, secret: host.canary.secret };
  const [features, escapes] = [what.features ?? FEATURES, what.escapes ?? ESCAPES];
  const before = host.state();
  const worked = await runProbes(mode, { ...common, probes: features });
  const escaped = await runProbes(mode, { ...common, probes: escapes });
  const stolen: (readonly string[])[] = [];
  for (const { attempt } of what.intruders ?? INTRUDERS) stolen.push(await attempt(mode, what.base));
  const leaked = [worked, escaped].some(({ log }) => log.includes(host.canary.secret));
  const harm =
    host.state() !== before
      ? 'the machine is not as it was'
      : leaked
        ? 'the secret came out'
        : stolen.flat().length > 0
          ? stolen.flat().join('\n')
          : undefined;
  return {
    mode,
    features: worked.results.map((result, i) => featureCell(result, features[i]?.lacking?.[mode.name])),
    escapes: escaped.results.map(escapeCell),
    intruders: stolen.map((found) => escapeCell(found.length > 0 ? 'yes' : 'no')),
    harm,
  };
}

function featureCell(result: Result, lacking: string | undefined): Cell {
  if (result === 'not tried') return { text: '-', good: true };
  if (result === 'yes') return { text: 'works', good: true };
  return lacking === undefined ? { text: 'BROKEN', good: false } : { text: 'lacks it', good: true };
}

function escapeCell(result: Result): Cell {
  if (result === 'not tried') return { text: '-', good: true };
  return result === 'yes' ? { text: 'ESCAPED', good: false } : { text: 'held', good: true };
}
