import type { SourceRange } from '../diagnostics/source-file.ts';

/** What every instruction carries. Words are raw: variables not expanded, quotes not removed. */
interface InstructionBase {
  readonly range: SourceRange;
  /** The keyword as written, e.g. `copy`. */
  readonly keyword: string;
  /** The instruction's text with continuations joined and comments removed, e.g. `RUN npm ci && npm run build`. */
  readonly text: string;
  readonly notes: InstructionNotes;
}

/** What stands around an instruction and means nothing to a build; checks and descriptions read it. */
export interface InstructionNotes {
  /** The comments above the instruction without `#`, since the last instruction or empty comment. */
  readonly comments: readonly string[];
  /** Those of them that no blank line parts from the instruction: what describes it. */
  readonly description: readonly string[];
  /** True when a blank line lies inside a continuation, which Docker only tolerates. */
  readonly emptyContinuation: boolean;
}

/** The two forms of RUN, CMD and ENTRYPOINT. */
export type CommandForm =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly argv: readonly string[] };

/** A heredoc attached to RUN, COPY or ADD. */
export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** False when any part of the word was quoted. */
  readonly expand: boolean;
  /** True for `<<-`: leading tabs were stripped. */
  readonly chomp: boolean;
  readonly fileDescriptor: number;
}

/** A key and a raw value of ENV or LABEL. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface FromInstruction extends InstructionBase {
  readonly kind: 'from';
  readonly image: string;
  readonly platform?: string;
  /** Stage name, lower-cased. */
  readonly alias?: string;
}
export interface ArgInstruction extends InstructionBase {
  readonly kind: 'arg';
  readonly args: readonly { readonly name: string; readonly value?: string }[];
}
export interface EnvInstruction extends InstructionBase {
  readonly kind: 'env';
  readonly pairs: readonly KeyValue[];
  /** True for `ENV KEY rest of line`. */
  readonly legacy: boolean;
}
export interface LabelInstruction extends InstructionBase {
  readonly kind: 'label';
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}
export interface MaintainerInstruction extends InstructionBase {
  readonly kind: 'maintainer';
  readonly name: string;
}
export interface WorkdirInstruction extends InstructionBase {
  readonly kind: 'workdir';
  readonly path: string;
}
export interface UserInstruction extends InstructionBase {
  readonly kind: 'user';
  readonly user: string;
}
export interface ExposeInstruction extends InstructionBase {
  readonly kind: 'expose';
  readonly ports: readonly string[];
}
export interface VolumeInstruction extends InstructionBase {
  readonly kind: 'volume';
  readonly paths: readonly string[];
}
export interface StopsignalInstruction extends InstructionBase {
  readonly kind: 'stopsignal';
  readonly signal: string;
}
export interface ShellInstruction extends InstructionBase {
  readonly kind: 'shell';
  readonly argv: readonly string[];
}
export interface HealthcheckInstruction extends InstructionBase {
  readonly kind: 'healthcheck';
  /** `NONE`, or the command with its raw flag values (Go durations, a count). */
  readonly check:
    | { readonly type: 'none' }
    | {
        readonly type: 'cmd';
        readonly command: CommandForm;
        readonly interval?: string;
        readonly timeout?: string;
        readonly startPeriod?: string;
        readonly startInterval?: string;
        readonly retries?: string;
      };
}
export interface OnbuildInstruction extends InstructionBase {
  readonly kind: 'onbuild';
  /** The trigger's text as stored in the config, heredocs appended again. */
  readonly trigger: string;
}
export interface CmdInstruction extends InstructionBase {
  readonly kind: 'cmd';
  readonly command: CommandForm;
}
export interface EntrypointInstruction extends InstructionBase {
  readonly kind: 'entrypoint';
  readonly command: CommandForm;
}
export interface RunInstruction extends InstructionBase {
  readonly kind: 'run';
  readonly command: CommandForm;
  readonly heredocs: readonly Heredoc[];
  /** The bodies of `heredocs` as they stand in the file, with their tabs; only when `<<-` took some away. */
  readonly rawHeredocs?: readonly string[];
  /** Raw `--mount` values in order. */
  readonly mounts: readonly string[];
  readonly network?: string;
  readonly security?: string;
}

/** What COPY and ADD share. */
interface FileCopy extends InstructionBase {
  readonly sources: readonly string[];
  readonly destination: string;
  readonly heredocs: readonly Heredoc[];
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly excludes: readonly string[];
}
export interface CopyInstruction extends FileCopy {
  readonly kind: 'copy';
  readonly from?: string;
  readonly parents: boolean;
}
export interface AddInstruction extends FileCopy {
  readonly kind: 'add';
  readonly checksum?: string;
  readonly keepGitDir: boolean;
  readonly unpack?: boolean;
}

/** Every instruction of the Dockerfile language, a union by `kind`. No semantics: raw words and flags only. */
export type Instruction =
  | FromInstruction
  | ArgInstruction
  | EnvInstruction
  | LabelInstruction
  | MaintainerInstruction
  | WorkdirInstruction
  | UserInstruction
  | ExposeInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | ShellInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | CmdInstruction
  | EntrypointInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction;

/** A parsed Dockerfile. */
export interface Dockerfile {
  readonly directives: Directives;
  readonly instructions: readonly Instruction[];
}

/** Parser directives (`# key=value` at the very top). */
export interface Directives {
  readonly syntax?: string;
  readonly escape: '\\' | '`';
  readonly check?: string;
}
