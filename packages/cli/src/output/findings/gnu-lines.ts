import { sanitizeName } from '../sanitize.ts';
import type { CheckReport } from './check-findings.ts';

const WORDS = { error: 'error', warning: 'warning', advice: 'note' } as const;

/**
 * `FILE:LINE:COLUMN: warning: MESSAGE [RULE]`, a line each, as compilers write them: editors and problem matchers read it.
 * @see https://www.gnu.org/prep/standards/html_node/Errors.html
 */
export function gnuLines({ file, findings }: CheckReport): string {
  return findings
    .map(({ level, rule, message, range: { start } }) =>
      sanitizeName(`${file}:${start.line}:${start.column}: ${WORDS[level]}: ${oneLine(message)} [${rule}]`),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function oneLine(text: string): string {
  return text.replace(/\s*\r?\n\s*/g, ' ');
}
