import type { CheckReport } from './check-findings.ts';

const SEVERITIES = { error: 'error', warning: 'warning', advice: 'info' } as const;

/** Checkstyle's XML, which Jenkins, reviewdog and many others read. */
export function checkstyleDocument({ file, findings }: CheckReport): string {
  const errors = findings.map(({ level, rule, message, range: { start } }) => {
    const attributes = {
      line: start.line,
      column: start.column,
      severity: SEVERITIES[level],
      message,
      source: `tsbuild.${rule}`,
    };
    const text = Object.entries(attributes).map(([name, value]) => `${name}="${escaped(String(value))}"`);
    return `    <error ${text.join(' ')}/>\n`;
  });
  const body = `  <file name="${escaped(file)}">\n${errors.join('')}  </file>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<checkstyle version="10.0">\n${body}</checkstyle>\n`;
}

/** XML 1.0 cannot hold most control characters, not even escaped; line ends in attributes would become blanks. */
function escaped(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"'\t\r\n]/g, (character) => `&#${character.charCodeAt(0)};`);
}
