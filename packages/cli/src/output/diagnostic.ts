import type { BuildError, SourceFile, SourceRange } from '@tsbuild/builder';
import type { OciError, OciErrorCode } from '@tsbuild/oci';
import { CommandError, UsageError } from '../host/usage-error.ts';
import { EXIT_FAILED, EXIT_USAGE } from '../host/exit-code.ts';
import { paint } from './colour.ts';
import { sanitizeLine, sanitizeText } from './sanitize.ts';
import { cutLine, renderFrame } from './source-frame.ts';

/** Of a line in a message or a log: a program may print megabytes without a line end. */
const LONGEST_LINE = 1000;

/** An error as people are told of it: what, where, what to do. */
export interface Diagnostic {
  /** The error's code, e.g. `RUN_FAILED`. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly frame: { readonly source: SourceFile; readonly range: SourceRange } | undefined;
  /** The last lines that a failed command printed. */
  readonly output: readonly string[];
  /** Only with --debug. */
  readonly stack: string | undefined;
  readonly exitCode: number;
}

type Fields = OciError['fields'];

/** What to do, where the message of the image library leaves it to its caller. */
const HINTS: Partial<Record<OciErrorCode, string | ((fields: Fields) => string | undefined)>> = {
  ARCHIVE_INVALID:
    "expected an archive of 'docker save', 'tsbuild save' or an OCI layout, also gzipped; is the file complete?",
  BLOB_CORRUPT: ({ host }) =>
    host === undefined
      ? 'the stored bytes have changed since they were written; load or build the image again'
      : `nothing was kept; the registry ${host}, or a mirror or proxy in front of it, sends bytes that do not match the image`,
  IMAGE_IN_USE: "'tsbuild rmi --force' removes all names of an image",
  IMAGE_NOT_FOUND: ({ store }) => (store === undefined ? undefined : "'tsbuild images' lists those in the store"),
  LAYOUT_INVALID: ({ format, access }) => {
    if (format !== undefined) return 'use a newer tsbuild, or another store with --root or TSBUILD_ROOT';
    return access === undefined ? undefined : 'another store is named with --root or TSBUILD_ROOT';
  },
  REGISTRY_DENIED: loginHint,
  REGISTRY_UNREACHABLE:
    'images in the store work without a network; mirrors, insecure hosts and CA files are configured in ~/.config/tsbuild/config.json',
  STORE_UNWRITABLE: ({ errno }) => storeHint(String(errno)),
};

/** Turns any error into a {@link Diagnostic}. */
export function diagnose(error: unknown, options: { readonly debug: boolean }): Diagnostic {
  const base = {
    hint: undefined,
    frame: undefined,
    output: [],
    stack: options.debug && error instanceof Error ? stackOf(error) : undefined,
    exitCode: EXIT_FAILED,
  };
  if (error instanceof UsageError) {
    const help = `run 'tsbuild ${error.command === undefined ? '' : `${error.command} `}--help'`;
    return { ...base, code: 'USAGE', message: error.message, hint: error.hint ?? help, exitCode: EXIT_USAGE };
  }
  if (error instanceof CommandError) return { ...base, code: 'FAILED', message: error.message, hint: error.hint };
  if (isBuildError(error)) return { ...base, ...fromBuildError(error) };
  if (isOciError(error)) {
    return { ...base, code: error.code, message: error.message, hint: hintFor(error) };
  }
  if (isSystemError(error)) return { ...base, code: error.code, message: systemMessage(error) };
  const message = error instanceof Error ? error.message : String(error);
  const hint = options.debug ? undefined : 'this is a bug in tsbuild; run with --debug for the stack trace';
  return { ...base, code: 'INTERNAL', message: `internal error: ${message}`, hint };
}

function hintFor({ code, fields }: OciError): string | undefined {
  const hint = HINTS[code];
  return typeof hint === 'function' ? hint(fields) : hint;
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** Another store helps against missing rights, not against a limit of the machine; a full disk can be made less full. */
function storeHint(errno: string): string | undefined {
  if (FULL.has(errno))
    return "'tsbuild cache prune' and 'tsbuild rmi' free space, also on a full disk; --root or TSBUILD_ROOT selects a store on another disk";
  return ['EMFILE', 'ENFILE', 'EIO'].includes(errno) ? undefined : 'choose another store with --root or TSBUILD_ROOT';
}

/** Only for who is not known (401): who may not (403) is logged in already. */
function loginHint({ status, registry, host }: Fields): string | undefined {
  const server = registry ?? host;
  if (status !== 401 || server === undefined) return undefined;
  return `tsbuild login${server === 'docker.io' || server === 'registry-1.docker.io' ? '' : ` ${server}`}`;
}

/** The diagnostic as text: the failed command's output, the Dockerfile's frame, the error, the hint. */
export function renderDiagnostic(diagnostic: Diagnostic, style: { readonly colour: boolean }): string {
  const { frame, output, hint, stack } = diagnostic;
  const lines: string[] = [];
  if (output.length > 0)
    lines.push('------', ...output.map((line) => cutLine(sanitizeLine(line), LONGEST_LINE)), '------');
  if (frame !== undefined) lines.push(...renderFrame(frame.source, frame.range));
  lines.push(`${paint('ERROR:', 'red', style.colour)} ${sanitizeText(cut(diagnostic.message))}`);
  if (hint !== undefined) lines.push(`${paint('hint:', 'bold', style.colour)} ${sanitizeText(cut(hint))}`);
  if (stack !== undefined) lines.push(`code: ${sanitizeLine(diagnostic.code)} (tsbuild explain)`, sanitizeText(stack));
  return `${lines.join('\n')}\n`;
}

/** The lines of a message, none longer than anybody reads. */
function cut(text: string): string {
  return text
    .split('\n')
    .map((line) => cutLine(line, LONGEST_LINE))
    .join('\n');
}

function fromBuildError(error: BuildError) {
  const { range, source } = error;
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    frame: range !== undefined && source !== undefined ? { source, range } : undefined,
    output: error.output,
    exitCode: error.code === 'OPTION_INVALID' ? EXIT_USAGE : EXIT_FAILED,
  };
}

// By name, so that showing an error of the command line does not load the whole builder.
function isBuildError(error: unknown): error is BuildError {
  return error instanceof Error && error.name === 'BuildError';
}

function isOciError(error: unknown): error is OciError {
  return error instanceof Error && error.name === 'OciError';
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** `ENOSPC: no space left on device, write '/x'` as `/x: no space left on device (write)`. */
function systemMessage(error: NodeJS.ErrnoException): string {
  const reason = /^[A-Z0-9_]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
  return `${error.path === undefined ? '' : `${error.path}: `}${reason} (${error.syscall})`;
}

function stackOf(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}
