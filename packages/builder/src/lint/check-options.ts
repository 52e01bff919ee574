import type { Instruction } from '../dockerfile/instruction.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Finding } from './finding.ts';
import { ruleOf } from './rules.ts';

/** What `# check=` says. Names that are no rule's do nothing, as in BuildKit. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string>;
  readonly skipAll: boolean;
  readonly experimental: ReadonlySet<string>;
  readonly experimentalAll: boolean;
  /** Warnings fail the build. */
  readonly error: boolean;
}

/** Nothing skipped, nothing experimental. */
export const DEFAULT_CHECKS: CheckOptions = {
  skip: new Set(),
  skipAll: false,
  experimental: new Set(),
  experimentalAll: false,
  error: false,
};

/**
 * Parses `skip=A,B|all;error=true;experimental=A|all`, the value of the directive `check` and of the build argument
 * BUILDKIT_DOCKERFILE_CHECK. @throws BuildError `DOCKERFILE_INVALID`, without a range
 */
export function parseCheckOptions(text: string): CheckOptions {
  let options = DEFAULT_CHECKS;
  if (text.trim() === '') return options;
  for (const part of text.trim().split(';')) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
    if (value === undefined) throw invalid(part);
    options = { ...options, ...partOf(key.trim(), value.trim(), part) };
  }
  return options;
}

function partOf(key: string, value: string, part: string): Partial<CheckOptions> {
  switch (key) {
    case 'skip':
      return value === 'all' ? { skipAll: true } : { skip: namesOf(value) };
    case 'experimental':
      return value === 'all' ? { experimentalAll: true } : { experimental: namesOf(value) };
    case 'error':
      return { error: booleanOf(value, part) };
    default:
      throw invalid(key);
  }
}

function namesOf(value: string): ReadonlySet<string> {
  return new Set(value.split(',').map((name) => name.trim()));
}

/** As Go's strconv.ParseBool. */
function booleanOf(value: string, part: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new BuildError('DOCKERFILE_INVALID', `failed to parse check option ${JSON.stringify(part)}`, {
    hint: 'write error=true or error=false',
  });
}

function invalid(part: string): BuildError {
  return new BuildError('DOCKERFILE_INVALID', `invalid check option ${JSON.stringify(part)}`, {
    hint: 'a check directive consists of skip=Rule,Rule or skip=all, error=true and experimental=Rule, separated by ;',
  });
}

/** Whether the file's options and those in the comments above its instructions let a finding through. */
export function isWanted({ rule, instructions }: Finding, file: CheckOptions): boolean {
  const all = [file, ...instructions.map(commentOptions)];
  if (ruleOf(rule).experimental === true) {
    return all.some((options) => options.experimentalAll || options.experimental.has(rule));
  }
  return !all.some((options) => options.skipAll || options.skip.has(rule));
}

/** A comment that is a directive for the instruction below it. */
export const CHECK_COMMENT = /^check\s*=\s*(\S+)/;

const known = new WeakMap<Instruction, CheckOptions>();

/** Read once for an instruction, however many findings it has. */
function commentOptions(instruction: Instruction): CheckOptions {
  const options = known.get(instruction) ?? readComments(instruction);
  known.set(instruction, options);
  return options;
}

/** The options in the first comment `# check=…` above an instruction; one that makes no sense is a mere comment. */
function readComments({ notes }: Instruction): CheckOptions {
  for (const comment of notes.comments) {
    const value = CHECK_COMMENT.exec(comment)?.[1];
    if (value === undefined) continue;
    try {
      return parseCheckOptions(value);
    } catch {
      return DEFAULT_CHECKS;
    }
  }
  return DEFAULT_CHECKS;
}
