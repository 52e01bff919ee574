import { type BuildRecord, isTimed, type RecordedStep, type Timeline, timelineOf, workOf } from '@tsbuild/builder';
import { columns } from '../output/columns.ts';
import { ellipsis, humanSize, stepTime } from '../output/human.ts';
import { sanitizeName } from '../output/sanitize.ts';
import {
  ageText,
  instructionOf,
  outcomeText,
  placedInstruction,
  stateText,
  subjectOf,
  timesText,
  whyText,
} from './build-words.ts';

/** How the text is laid out. */
export interface TextView {
  /** Where lines are cut; undefined for never. */
  readonly width: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** So many of the slowest steps are named. */
const SLOWEST = 5;

/** A build for people: what it was, what took so long, and why each step ran. */
export function inspectText(record: BuildRecord, view: TextView): string {
  const timeline = timelineOf(record);
  const cached = record.steps.filter(({ state }) => state === 'cached');
  const saved = cached.reduce((sum, step) => sum + (step.saved ?? 0), 0);
  const head = [
    ...headLines(record, view.now),
    '',
    timesText(timeline),
    `${cached.length} of ${record.steps.length} steps cached${saved >= 50 ? `, saved ${stepTime(saved)}` : ''}`,
    ...(timeline.criticalPath.length === 0
      ? []
      : [`critical path: ${timeline.criticalPath.map((number) => `#${number}`).join(' → ')}`]),
  ];
  return `${head.map((line) => `${line}\n`).join('')}${slowest(record, timeline, view)}\nSteps:\n${stepRows(record, timeline, view)}${phaseRows(record, view)}`;
}

function headLines(record: BuildRecord, now: number): readonly string[] {
  const { id, dockerfile, target, platforms, builder, image, error } = record;
  const size = image === undefined ? '' : `, ${humanSize(image.size)}`;
  const program = builder === undefined ? [] : [`tsbuild ${builder.version} on ${builder.platform}`];
  const what = [dockerfile, ...(target === undefined ? [] : [`target ${target}`]), ...platforms, ...program];
  const args = Object.entries(record.arguments).map(([name, value]) => `${name}=${value}`);
  return [
    `${id}  ${subjectOf(record)}  ${outcomeText(record)}, ${ageText(record, now).toLowerCase()}${size}`,
    what.join(' · '),
    ...(args.length === 0 ? [] : [`arguments: ${args.join(', ')}`]),
    ...(image === undefined ? [] : [`image: ${image.id}`]),
    ...(error === undefined ? [] : [`error: ${error.message} [${error.code}]`]),
  ].map(sanitizeName);
}

/** The slowest steps that ran, with their share of the critical path. */
function slowest({ steps }: BuildRecord, { critical, criticalPath }: Timeline, { width, now }: TextView): string {
  const ran = steps.filter(isTimed).filter(({ state }) => state !== 'cached');
  const most = ran.toSorted((a, b) => workOf(b) - workOf(a)).slice(0, SLOWEST);
  if (most.length === 0) return '';
  const rows = most.map((step) => {
    const share = criticalPath.includes(step.number) && critical > 0 ? percent(workOf(step) / critical) : '–';
    return [`#${step.number}`, stepTime(workOf(step)), share, instructionOf(step), whyText(step, now)];
  });
  const title = ['', 'time', 'of path', 'slowest', 'why'];
  return `\n${columns([title, ...rows.map((row) => row.map(short))], { width, indent: '  ', right: [0, 1, 2] })}`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** Instructions may be long: the whole text is in the JSON. */
const LONGEST = 72;

function short(text: string): string {
  return ellipsis(text, LONGEST);
}

function stepRows(record: BuildRecord, { criticalPath }: Timeline, { width, now }: TextView): string {
  const rows = record.steps.map((step) => [
    `${criticalPath.includes(step.number) ? '*' : ''}#${step.number}`,
    stateText(step),
    isTimed(step) ? stepTime(step.started - record.started) : '',
    isTimed(step) ? stepTime(workOf(step)) : '',
    waits(step),
    step.layerSize === undefined ? '' : humanSize(step.layerSize),
    step.line === undefined ? '' : String(step.line),
    short(placedInstruction(step)),
    whyText(step, now),
  ]);
  const title = ['', 'state', 'start', 'time', 'waited', 'size', 'line', 'step', 'why'];
  return columns([title, ...rows], { width, indent: '  ', right: [0, 2, 3, 4, 5, 6] });
}

function waits({ queued = 0, locked = 0 }: RecordedStep): string {
  return queued + locked === 0 ? '' : stepTime(queued + locked);
}

function phaseRows({ phases, started }: BuildRecord, { width }: TextView): string {
  if (phases.length === 0) return '';
  const rows = phases.map(({ kind, name = '', bytes, failed, ...phase }) => [
    kind,
    stepTime(phase.started - started),
    stepTime(phase.ended - phase.started),
    bytes === undefined ? '' : humanSize(bytes),
    `${name}${failed === true ? ' failed' : ''}`,
  ]);
  const title = ['phase', 'start', 'time', 'size', ''];
  return `\n${columns([title, ...rows], { width, indent: '  ', right: [1, 2, 3] })}`;
}
