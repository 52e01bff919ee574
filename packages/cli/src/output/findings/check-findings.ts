import { createHash } from 'node:crypto';
import { relative, sep } from 'node:path';
import { type CheckResult, isAdvice, type SourceFile, type SourceRange } from '@tsbuild/builder';

/** `error`: it cannot be built. `warning`: BuildKit's linter warns, too. `advice`: only tsbuild says so. */
type FindingLevel = 'error' | 'warning' | 'advice';

/** Something that a check found, as the formats of CI tell it. */
export interface CheckFinding {
  readonly level: FindingLevel;
  /** The name of the rule; of an error its code. */
  readonly rule: string;
  readonly message: string;
  readonly description: string;
  readonly url?: string;
  /** Lines and columns count from 1. */
  readonly range: { readonly start: Place; readonly end: Place };
  /** Stays the same when lines move, and is another for each finding: hexadecimal. */
  readonly fingerprint: string;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** All findings of one Dockerfile, errors first, else in the order of the file. */
export interface CheckReport {
  /** The Dockerfile as the reader of the format names it, with slashes. */
  readonly file: string;
  readonly findings: readonly CheckFinding[];
}

/**
 * What a check found, for a format.
 * @param path the Dockerfile's path; undefined for one that has none (standard input, a URL)
 * @param root the directory that paths are relative to
 */
export function checkReport(result: CheckResult, path: string | undefined, root: string): CheckReport {
  const { source, warnings, error } = result;
  const fingerprints = new Fingerprints(source);
  const first = { start: { line: 1, column: 0 }, end: { line: 1, column: 0 } };
  const errors =
    error === undefined
      ? []
      : [{ rule: error.code, message: error.message, range: error.range ?? first, about: undefined }];
  const found = [
    ...errors.map((one) => ({ ...one, level: 'error' as const, description: 'The image cannot be built', url: '' })),
    ...warnings.map(({ rule, message, description, url, range, path: about }) => {
      const level = isAdvice(rule) ? ('advice' as const) : ('warning' as const);
      return { rule, message, description, url, range, level, about };
    }),
  ];
  const findings = found.map(({ range, url, about, ...one }): CheckFinding => {
    const fingerprint = fingerprints.of(one.rule, range, about);
    return { ...one, ...(url !== '' && { url }), range: fromOne(range), fingerprint };
  });
  return { file: shownFile(path ?? source.name, root), findings };
}

function shownFile(path: string, root: string): string {
  const below = relative(root, path);
  const shown = path.startsWith(sep) && !below.startsWith('..') ? below : path;
  return shown.split(sep).join('/');
}

function fromOne({ start, end }: SourceRange): CheckFinding['range'] {
  const place = ({ line, column }: Place): Place => ({ line, column: column + 1 });
  return { start: place(start), end: place(end) };
}

/**
 * A finding is known by its rule, the text of its instruction and, in a layer, the path of the file: lines may move. Of equal
 * ones the count tells.
 */
class Fingerprints {
  readonly #lines: readonly string[];
  readonly #seen = new Map<string, number>();

  constructor({ text }: SourceFile) {
    this.#lines = text.split('\n');
  }

  of(rule: string, { start, end }: SourceRange, path: string | undefined): string {
    const text = this.#lines.slice(start.line - 1, Math.max(start.line, end.line)).map((line) => line.trim());
    const key = JSON.stringify([rule, ...text, ...(path === undefined ? [] : [{ path }])]);
    const count = this.#seen.get(key) ?? 0;
    this.#seen.set(key, count + 1);
    return createHash('sha256').update(`${key}${count}`).digest('hex');
  }
}
