import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import type { SourceFile } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { cleanFilePath } from './clean-path.ts';
import { PatternSyntaxError } from './name-pattern.ts';
import { type Pattern, PatternMatcher, parsePattern, trimBlanks } from './pattern-matcher.ts';

/** An ignore file that was found and understood. */
export interface IgnoreFile {
  /** Its name, relative to the context when it lies inside, and its text. */
  readonly source: SourceFile;
  readonly matcher: PatternMatcher;
}

/**
 * Reads the patterns that belong to a build: `<dockerfilePath>.dockerignore` alone if it exists, else
 * `<contextDir>/.dockerignore`; undefined when there is neither. Both paths are absolute or relative to the working directory.
 * @throws BuildError `IGNORE_INVALID` when a pattern is malformed, or the file is no regular file inside the context
 * (or inside the Dockerfile's directory).
 */
export function readIgnoreFile(contextDir: string, dockerfilePath: string | undefined): IgnoreFile | undefined {
  const context = resolve(contextDir);
  const beside = dockerfilePath === undefined ? undefined : `${resolve(dockerfilePath)}.dockerignore`;
  for (const path of beside === undefined
    ? [join(context, '.dockerignore')]
    : [beside, join(context, '.dockerignore')]) {
    const name = path.startsWith(context + sep) ? relative(context, path) : path;
    const bytes = readInside(path, name, [context, dirname(path)]);
    if (bytes !== undefined) return parseIgnoreFile(name, bytes);
  }
  return undefined;
}

/** Compiles the content of an ignore file. @throws BuildError `IGNORE_INVALID` with the line of a malformed pattern. */
export function parseIgnoreFile(name: string, bytes: Buffer): IgnoreFile {
  const source: SourceFile = { name, text: byteStringToUtf8(bytes.toString('latin1')) };
  const patterns: Pattern[] = [];
  const lines = bytes
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .split('\n');
  for (const [index, line] of lines.entries()) {
    const pattern = line.startsWith('#') ? undefined : patternOf(line, source, index + 1);
    if (pattern !== undefined) patterns.push(pattern);
  }
  return { source, matcher: new PatternMatcher(patterns) };
}

function patternOf(line: ByteString, source: SourceFile, lineNumber: number): Pattern | undefined {
  const normal = normalForm(line);
  try {
    return parsePattern(normal);
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    const shown = cleanFilePath(normal);
    const end = source.text.split('\n')[lineNumber - 1]?.replace(/\r$/, '').length ?? 0;
    throw new BuildError(
      'IGNORE_INVALID',
      `${source.name}:${lineNumber}: ${error.message}: ${JSON.stringify(byteStringToUtf8(shown))}`,
      {
        range: { start: { line: lineNumber, column: 0 }, end: { line: lineNumber, column: end } },
        source,
        hint:
          shown === '!'
            ? 'Write the pattern to include again directly after the "!".'
            : 'Put a backslash before a "[" that is part of a name.',
        cause: error,
      },
    );
  }
}

/** Drops what the file allows around a pattern: blanks (also behind `!`) and a leading slash. */
function normalForm(line: ByteString): ByteString {
  const trimmed = trimBlanks(line);
  const exception = trimmed.startsWith('!');
  const pattern = exception ? trimBlanks(trimmed.slice(1)) : trimmed;
  if (pattern === '') return trimmed.slice(0, 1);
  const cleaned = cleanFilePath(pattern);
  return (exception ? '!' : '') + (cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned);
}

/** Far more than any list of patterns, and little enough to read without a thought. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The content of a regular file; undefined when there is none. A symlink may lead to one inside `roots` only: what it
 * says would otherwise show in error messages. Never waits for a fifo.
 */
function readInside(path: string, name: string, roots: readonly string[]): Buffer | undefined {
  let fd: number;
  try {
    fd = openUnfollowed(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== 'ELOOP') throw unreadable(name, error);
    fd = openLinkInside(path, name, roots);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw refused(name, stats.isDirectory() ? 'is a directory' : 'is not a regular file');
    if (stats.size > MAX_BYTES) throw refused(name, `has ${stats.size} bytes; the limit is ${MAX_BYTES}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function openLinkInside(path: string, name: string, roots: readonly string[]): number {
  let target: string;
  try {
    target = realpathSync(path);
  } catch (error) {
    throw refused(name, 'is a broken symlink', error);
  }
  if (!roots.some((root) => target.startsWith(realpathSync(root) + sep))) {
    throw refused(name, 'is a symlink that leaves the build context');
  }
  try {
    return openUnfollowed(target);
  } catch (error) {
    throw unreadable(name, error);
  }
}

function openUnfollowed(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function refused(name: string, what: string, cause?: unknown): BuildError {
  return new BuildError('IGNORE_INVALID', `${name} ${what}`, {
    hint: `Make ${basename(name)} a regular file inside the build context, or remove it.`,
    cause,
  });
}

function unreadable(name: string, error: unknown): BuildError {
  const code = errorCode(error);
  if (code === 'ENXIO') return refused(name, 'is not a regular file', error);
  return new BuildError('IGNORE_INVALID', `${name} cannot be read${code === undefined ? '' : ` (${code})`}`, {
    hint: 'Check the permissions of the file: the build cannot continue without its ignore patterns.',
    cause: error,
  });
}
