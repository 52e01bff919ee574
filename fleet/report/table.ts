import { readFileSync, writeFileSync } from 'node:fs';
import type { ComparedRow, Comparison, Sample } from '../peers/comparison.ts';
import type { Finding, Scenario } from '../scenarios/scenario.ts';

/** One scenario with what it found. */
export interface Row {
  readonly scenario: Pick<Scenario, 'id' | 'title' | 'holds'>;
  readonly finding: Finding;
}

const BEGIN = '<!-- fleet -->';
const END = '<!-- /fleet -->';

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ scenario, finding }) => {
    const figures = Object.entries(finding.figures).map(([name, value]) => `${name}: ${shown(value)}`);
    const verdict = finding.faults.length === 0 ? 'yes' : 'no';
    return [scenario.id, scenario.title, scenario.holds, verdict, figures.join('; ')];
  });
  const head = ['', 'scenario', 'what must hold', 'holds', 'measured'];
  const cells = [head, head.map(() => '---'), ...lines];
  return cells.map((line) => `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

/** The comparison as a table in Markdown. */
export function comparisonText({ peer, rows }: Comparison): string {
  const lines = rows.flatMap(({ title, ours, theirs }) => [
    [title, 'tsbuild', ...cellsOf(ours)],
    ...(theirs === undefined ? [] : [['', 'BuildKit', ...cellsOf(theirs)]]),
  ]);
  const head = ['work', 'by', 'seconds', 'requests', 'KB down', 'KB up', 'blobs mounted, sent', 'steps that hit, %'];
  const table = [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
  return `${peer}.\n\n${table}`;
}

/** A compared row for the terminal. */
export function comparedText({ title, ours, theirs }: ComparedRow): string {
  const one = ({ seconds, requests, down, up, mounted, sent, hitPercent }: Sample): string =>
    `${seconds} s, ${requests} requests, ${kilobytes(down)} KB down, ${kilobytes(up)} KB up, ${mounted} mounted, ${sent} sent, ${hitPercent} % hit`;
  const ratio =
    theirs === undefined
      ? ''
      : `\n      BuildKit: ${one(theirs)}; ${(theirs.seconds / ours.seconds).toFixed(1)} × the time`;
  return `${title}\n      tsbuild:  ${one(ours)}${ratio}`;
}

function cellsOf({ seconds, requests, down, up, mounted, sent, hitPercent }: Sample): readonly string[] {
  return [String(seconds), String(requests), kilobytes(down), kilobytes(up), `${mounted}, ${sent}`, String(hitPercent)];
}

function kilobytes(bytes: number): string {
  return shown(Math.round(bytes / 1000));
}

/** One line for the terminal. */
export function rowText({ scenario, finding }: Row, seconds: number): string {
  const figures = Object.entries(finding.figures).map(([name, value]) => `${name} ${shown(value)}`);
  const verdict = finding.faults.length === 0 ? 'holds ' : 'FAILED';
  return `${scenario.id.padEnd(4)}${verdict}  ${scenario.title} (${seconds.toFixed(0)} s): ${figures.join(', ')}`;
}

/** Puts a text between the markers of a document. @throws Error when they are missing */
export function writeBetweenMarkers(path: string, text: string): void {
  const document = readFileSync(path, 'utf8');
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${path} has no markers ${BEGIN} … ${END}`);
  writeFileSync(path, `${document.slice(0, from + BEGIN.length)}\n\n${text}\n\n${document.slice(to)}`);
}

function shown(value: number | string): string {
  return typeof value === 'number' ? String(value).replace(/\B(?=(\d{3})+(?!\d)(?<!\.\d*))/g, ',') : value;
}
