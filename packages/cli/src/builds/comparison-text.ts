import {
  type BuildComparison,
  type BuildRecord,
  describeChange,
  isTimed,
  type RecordedStep,
  type StepComparison,
  workOf,
} from '@tsbuild/builder';
import { columns } from '../output/columns.ts';
import { ellipsis, humanSize, stepTime } from '../output/human.ts';
import { sanitizeName, sanitizeText } from '../output/sanitize.ts';
import { ageText, instructionOf, outcomeText, stateText, subjectOf } from './build-words.ts';
import type { TextView } from './inspect-text.ts';

/** So many changes of the first difference are told. */
const MOST_CHANGES = 10;
const LONGEST = 60;

/** Two builds side by side: the first step that differs and why, then each step with state, time and size. */
export function comparisonText(comparison: BuildComparison, { width, now }: TextView): string {
  const { before, after, steps } = comparison;
  const rows = steps.map((step) => [
    step.after === undefined ? '–' : `#${step.after.number}`,
    ...cellsOf(step.before),
    ...cellsOf(step.after),
    short(instructionOf((step.after ?? step.before) as RecordedStep)),
    differenceText(step),
  ]);
  const title = ['', 'before', 'time', 'size', 'after', 'time', 'size', 'step', 'difference'];
  return [
    `before  ${buildLine(before, now)}\n`,
    `after   ${buildLine(after, now)}\n`,
    ...settingLines(before, after),
    '\n',
    ...firstLines(comparison),
    '\n',
    columns([title, ...rows], { width, right: [0, 2, 3, 5, 6] }),
  ].join('');
}

function buildLine(record: BuildRecord, now: number): string {
  const { id, started, ended, image } = record;
  const time = ended === undefined ? '' : ` in ${stepTime(ended - started)}`;
  const size = image === undefined ? '' : `, ${humanSize(image.size)}`;
  return sanitizeName(
    `${id}  ${subjectOf(record)}  ${outcomeText(record)}${time}${size}, ${ageText(record, now).toLowerCase()}`,
  );
}

/** What was asked for and is not the same. */
function settingLines(before: BuildRecord, after: BuildRecord): readonly string[] {
  const settings = ({ target = '', platforms, dockerfile, builder, arguments: args }: BuildRecord) =>
    new Map<string, string>([
      ['Dockerfile', dockerfile],
      ['target', target],
      ['platforms', platforms.join(', ')],
      ['tsbuild', builder?.version ?? ''],
      ...Object.entries(args).map(([name, value]) => [`argument ${name}`, value] as const),
    ]);
  const [old, now] = [settings(before), settings(after)];
  const shown = (value: string | undefined): string => (value === undefined || value === '' ? '(none)' : value);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => `${sanitizeName(`${name}: ${shown(old.get(name))} → ${shown(now.get(name))}`)}\n`);
}

function firstLines({ first, after, steps }: BuildComparison): readonly string[] {
  if (first === undefined) {
    const failed = steps.find(({ after: step }) => step?.state === 'failed')?.after;
    const end = failed === undefined ? '' : `; #${failed.number} failed this time`;
    return [`No step differs that both builds reached${end}\n`];
  }
  const { before: old, after: now, changes, summary } = first;
  const step = now ?? old;
  if (step === undefined) return [];
  const numbers = new Map(after.steps.map(({ id, number }) => [id, number]));
  const line = step.line === undefined ? '' : ` (line ${step.line})`;
  const why = changes.length === 0 ? (summary ?? differenceText(first)) : '';
  const head = `First difference: ${now === undefined ? 'a step that is gone' : `#${now.number}`} ${instructionOf(step)}${line}`;
  const told = changes.slice(0, MOST_CHANGES).map((change) => describeChange(change, (id) => numbers.get(id)));
  const more = changes.length - told.length;
  return [
    `${sanitizeName(head)}\n`,
    ...[...(why === '' ? [] : [why]), ...told].map((text) => `  - ${sanitizeText(text).replaceAll('\n', '\n    ')}\n`),
    ...(more > 0 ? [`  - and ${more} more\n`] : []),
  ];
}

function differenceText({ difference, changes, summary }: StepComparison): string {
  if (difference === 'changed')
    return summary ?? (changes.length === 0 ? 'its key is another; the records that say why were pruned' : '');
  if (difference === 'added') return 'new';
  if (difference === 'removed') return 'gone';
  return difference === 'unreached' ? 'not reached' : '';
}

function cellsOf(step: RecordedStep | undefined): readonly [string, string, string] {
  if (step === undefined) return ['', '', ''];
  const time = isTimed(step) ? stepTime(workOf(step)) : '';
  return [stateText(step), time, step.layerSize === undefined ? '' : humanSize(step.layerSize)];
}

function short(text: string): string {
  return ellipsis(text, LONGEST);
}
