import { trim } from './blanks.ts';
import type { Directives } from './instruction.ts';
import { invalid } from './invalid.ts';
import { withoutNewline } from './lines.ts';
import type { SourceFile, SourceRange } from '../diagnostics/source-file.ts';

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$/s;
const FOREIGN_DIRECTIVE = /^\/\/\s*syntax\s*=\s*(\S+)/i;
const KNOWN: ReadonlySet<string> = new Set(['syntax', 'escape', 'check']);

/**
 * Reads the parser directives (`# key=value`) at the top of a file. The first line that is not one ends them, be it a comment, a
 * blank line or an unknown key. A `#!` line may come first; as in BuildKit, `escape` has no effect behind one.
 * Throws BuildError for a directive given twice, a wrong escape character, or a file written for another frontend.
 */
export function readDirectives(file: SourceFile): Directives {
  const lines = file.text.replace(/^\uFEFF/, '').split('\n');
  refuseForeign(file.text, lines[0] ?? '');
  const shebang = lines[0]?.startsWith('#!') === true;
  const found = new Map<string, string>();
  for (let at = shebang ? 1 : 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const match = DIRECTIVE.exec(trim(line));
    const key = match?.[1]?.toLowerCase() ?? '';
    const value = match?.[2] ?? '';
    if (!KNOWN.has(key)) break;
    if (found.has(key)) throw invalid(`only one ${key} parser directive can be used`, wholeLine(at, line));
    if (key === 'escape' && !isEscape(value)) {
      throw invalid(`invalid escape token '${value}' does not match \` or \\`, wholeLine(at, line));
    }
    found.set(key, value);
  }
  return toDirectives(found, shebang);
}

function toDirectives(found: ReadonlyMap<string, string>, shebang: boolean): Directives {
  const escape = found.get('escape') ?? '\\';
  const syntax = found.get('syntax')?.split(/\s/)[0];
  const check = found.get('check');
  return {
    escape: isEscape(escape) && !shebang ? escape : '\\',
    ...(syntax !== undefined && { syntax }),
    ...(check !== undefined && { check }),
  };
}

function isEscape(value: string): value is '\\' | '`' {
  return value === '\\' || value === '`';
}

/** BuildKit also finds a frontend in `// syntax=` and in JSON: such a file is no Dockerfile, and saying so beats `unknown instruction: //`. */
function refuseForeign(text: string, first: string): void {
  const syntax = FOREIGN_DIRECTIVE.exec(first)?.[1] ?? jsonSyntax(text);
  if (syntax === undefined) return;
  const hint = 'Only the Dockerfile frontend is built in; other frontends cannot be run.';
  throw invalid(`the file requires the frontend ${syntax}; it is not a Dockerfile`, wholeLine(0, first), hint);
}

function jsonSyntax(text: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('syntax' in value)) return undefined;
    return typeof value.syntax === 'string' ? value.syntax : undefined;
  } catch {
    return undefined; // Not JSON, so a Dockerfile, and a broken one: the parser says how.
  }
}

function wholeLine(at: number, line: string): SourceRange {
  return { start: { line: at + 1, column: 0 }, end: { line: at + 1, column: withoutNewline(line).length } };
}
