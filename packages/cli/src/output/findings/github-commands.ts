import { sanitizeText } from '../sanitize.ts';
import type { CheckFinding, CheckReport } from './check-findings.ts';

const COMMANDS = { error: 'error', warning: 'warning', advice: 'notice' } as const;

/** GitHub shows so many annotations of each kind in a step, and drops the rest. */
const SHOWN = 10;

/**
 * Workflow commands of GitHub Actions, which become annotations of the Dockerfile in a pull request; errors come first. A last
 * line says what GitHub will not show.
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function githubCommands({ file, findings }: CheckReport): string {
  const commands = findings.map((finding) => command(file, finding));
  const hidden = Object.keys(COMMANDS)
    .map((level) => findings.filter((finding) => finding.level === level).length - SHOWN)
    .reduce((sum, more) => sum + Math.max(0, more), 0);
  const note = hidden === 0 ? [] : [`${hidden} more than GitHub shows as annotations of one step`];
  return [...commands, ...note].map((line) => `${line}\n`).join('');
}

function command(file: string, { level, rule, message, url, range: { start, end } }: CheckFinding): string {
  const place = { file, line: start.line, endLine: Math.max(start.line, end.line), title: rule };
  // A column is only read when the finding is on one line.
  const columns =
    start.line >= end.line && end.column > start.column ? { col: start.column, endColumn: end.column } : {};
  const properties = Object.entries({ ...place, ...columns }).map(
    ([key, value]) => `${key}=${property(String(value))}`,
  );
  const text = url === undefined ? message : `${message} (${url})`;
  return `::${COMMANDS[level]} ${properties.join(',')}::${data(text)}`;
}

/** What would end the command, and what a terminal would obey in the log. */
function data(text: string): string {
  return sanitizeText(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
