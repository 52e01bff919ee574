import type { Outcome } from './trial.ts';

/** What was injected where, and how many points of each kind were survived: a table in Markdown. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const scenarios = [...new Set(outcomes.map(({ point }) => point.scenario.name))];
  const kinds = [...new Set(outcomes.map(kindOf))].toSorted();
  const cell = (kind: string | undefined, scenario: string | undefined): string => {
    const own = outcomes.filter(
      (outcome) =>
        (kind === undefined || kindOf(outcome) === kind) &&
        (scenario === undefined || outcome.point.scenario.name === scenario),
    );
    const good = own.filter(({ faults }) => faults.length === 0).length;
    return own.length === 0 ? '' : good === own.length ? String(good) : `**${good} of ${own.length}**`;
  };
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const survived = outcomes.filter(({ faults }) => faults.length === 0).length;
  const ends = (end: Outcome['end']): number => outcomes.filter((outcome) => outcome.end === end).length;
  const litter = outcomes.filter((outcome) => outcome.litter > 0).length;
  return [
    row(['injected', ...scenarios, 'all']),
    row(['---', ...scenarios.map(() => '--:'), '--:']),
    ...kinds.map((kind) => row([kind, ...scenarios.map((scenario) => cell(kind, scenario)), cell(kind, undefined)])),
    row(['all', ...scenarios.map((scenario) => cell(undefined, scenario)), cell(undefined, undefined)]),
    '',
    `${survived} of ${outcomes.length} survived: ${ends('killed')} killed, ${ends('failed')} failed with an error, ` +
      `${ends('succeeded')} succeeded all the same; ${litter} left something over, which prune removed.`,
  ].join('\n');
}

function kindOf({ point }: Outcome): string {
  if (point.kind === 'call') return `${point.fault} at ${point.call}`;
  if (point.kind === 'stall') return 'held up in the lock';
  return point.limit === 'size' ? 'disk full' : 'inodes used up';
}
