import { type BuildRecord, type CheckWarning, isTimed, type RecordedStep, timelineOf, workOf } from '@tsbuild/builder';
import { humanSize, stepTime } from '../output/human.ts';
import { sanitizeText } from '../output/sanitize.ts';
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

/** What a summary tells. */
export interface SummaryContent {
  readonly record: BuildRecord;
  /** The build of the same image before this one that gave an image. */
  readonly previous?: BuildRecord;
  /** Of the manifest or index; that of the registry, where it was pushed. */
  readonly digest?: string;
  readonly findings: readonly CheckWarning[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** GitHub drops a summary of more than 1 MiB whole; bytes. */
const MOST_BYTES = 64 * 1024;
const CUT = '\n… cut at 64 kB\n';

/** A build as Markdown, for the summary of a CI job. Ends with an empty line, so that the next one can follow. */
export function summaryDocument(content: SummaryContent): string {
  const { record } = content;
  const lines = [
    `## ${escaped(subjectOf(record))}: ${escaped(outcomeText(record))}`,
    '',
    ...factLines(content),
    ...findingLines(content.findings),
    ...stepLines(content),
    '',
  ];
  return cutTo(lines, MOST_BYTES);
}

function factLines({ record, previous, digest, now }: SummaryContent): readonly string[] {
  const { image, platforms, error, steps } = record;
  const cached = steps.filter(({ state }) => state === 'cached');
  const saved = cached.reduce((sum, step) => sum + (step.saved ?? 0), 0);
  const first = steps.find(({ state }) => state === 'run' || state === 'failed');
  const timeline = timelineOf(record);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Error', error === undefined ? undefined : `${escaped(error.message)} (${escaped(error.code)})`],
    ['Digest', digest === undefined ? undefined : escaped(digest)],
    ['Image', image === undefined ? undefined : escaped(image.id)],
    ['Platforms', escaped(platforms.join(', '))],
    ['Size', image === undefined ? undefined : escaped(sizeText(image.size, previous, now))],
    ['Time', escaped(timesText(timeline))],
    ['Critical path', escaped(timeline.criticalPath.map((number) => `#${number}`).join(' → '))],
    ['Cached', `${cached.length} of ${steps.length} steps${saved >= 50 ? `, saved ${stepTime(saved)}` : ''}`],
    [
      'First to run',
      first === undefined
        ? undefined
        : escaped(`#${first.number} ${instructionOf(first)}: ${whyText(first, now) || 'new'}`),
    ],
  ];
  const shown = rows.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`| ${name} | ${value} |`],
  );
  return ['| | |', '| --- | --- |', ...shown];
}

/** `12.3MB (+1.2MB, +10.8 % since the build 2 minutes ago)`. */
function sizeText(size: number, previous: BuildRecord | undefined, now: number): string {
  const before = previous?.image?.size;
  if (previous === undefined || before === undefined) return humanSize(size);
  const change = size - before;
  const since = `the build ${ageText(previous, now).toLowerCase()}`;
  if (change === 0) return `${humanSize(size)} (as ${since})`;
  const sign = change < 0 ? '−' : '+';
  const share = before === 0 ? '' : `, ${sign}${((Math.abs(change) / before) * 100).toFixed(1)} %`;
  return `${humanSize(size)} (${sign}${humanSize(Math.abs(change))}${share} since ${since})`;
}

function findingLines(findings: readonly CheckWarning[]): readonly string[] {
  if (findings.length === 0) return [];
  const lines = findings.map(({ rule, message, source, range }) => {
    return `- **${escaped(rule)}** ${escaped(`${source.name}:${range.start.line}`)}: ${escaped(message)}`;
  });
  return ['', '### Findings', '', ...lines];
}

function stepLines({ record, now }: SummaryContent): readonly string[] {
  if (record.steps.length === 0) return [];
  const { criticalPath } = timelineOf(record);
  const rows = record.steps.map((step) => {
    const cells = cellsOf(step, now).map(escaped);
    return `| ${criticalPath.includes(step.number) ? `**#${step.number}**` : `#${step.number}`} | ${cells.join(' | ')} |`;
  });
  return [
    '',
    '### Steps',
    '',
    '| | step | line | state | time | size | why |',
    '| ---: | --- | ---: | --- | ---: | ---: | --- |',
    ...rows,
  ];
}

function cellsOf(step: RecordedStep, now: number): readonly string[] {
  const { line, layerSize } = step;
  return [
    placedInstruction(step),
    line === undefined ? '' : String(line),
    stateText(step),
    isTimed(step) ? stepTime(workOf(step)) : '',
    layerSize === undefined ? '' : humanSize(layerSize),
    whyText(step, now),
  ];
}

const LONGEST_CELL = 300;

/**
 * Text as Markdown shows it: nothing in it begins markup, HTML, a cell or a line, and nobody is mentioned. A mention is looked
 * for after entities are resolved, so that only a character in between keeps it from being one.
 */
function escaped(text: string): string {
  const characters = Array.from(sanitizeText(text.replace(/\s+/g, ' ')));
  const cut = characters.length <= LONGEST_CELL ? characters : [...characters.slice(0, LONGEST_CELL - 1), '…'];
  return cut
    .join('')
    .replace(/[&<>|`*_[\]~\\]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b');
}

function cutTo(lines: readonly string[], most: number): string {
  const kept: string[] = [];
  let bytes = Buffer.byteLength(CUT);
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > most) return `${kept.join('\n')}\n${CUT}\n`;
    kept.push(line);
  }
  return `${kept.join('\n')}\n`;
}
