/** Why a step had to be executed, in words and in fields. */
export interface MissReason {
  /**
   * - `changed`: something that decides the result is not as in the nearest earlier record of the step; `changes` says what
   * - `no-cache`: `--no-cache` or `--no-cache-filter` asked for it
   * - `never-built`: no earlier record of such a step is known here
   * - `pruned`: there was a record, or one to compare with, and it has been removed
   */
  readonly kind: 'changed' | 'no-cache' | 'never-built' | 'pruned';
  /** One line for people: `src/index.ts changed and 2 more`. Foreign text in it: not to be sent to a terminal raw. */
  readonly summary: string;
  /** Whether any step of this stage of this Dockerfile was built before. */
  readonly stageKnown: boolean;
  /** Of `changed`, the most telling first; at most {@link MOST_CHANGES}. */
  readonly changes: readonly MissChange[];
  /** How many changes there are in all. */
  readonly total: number;
  /** When the record that was compared with was made, milliseconds since 1970. */
  readonly comparedWith?: number;
}

/** So many changes are told one by one; of the rest only the number. */
export const MOST_CHANGES = 1000;

/** One difference from the earlier record. */
export interface MissChange {
  /**
   * - `instruction`: the text of the step, or what it expands to
   * - `flag`: a flag or setting of the step or of the build, e.g. `--chmod`, `--network`, `USER`, `SOURCE_DATE_EPOCH`
   * - `base`: the image that the stage stands on
   * - `arg`, `env`: a variable that the command sees
   * - `file`: a file that the step reads
   * - `step`: a step above this one, whose result the command sees
   */
  readonly kind: 'instruction' | 'flag' | 'base' | 'arg' | 'env' | 'file' | 'step';
  /** The flag, the image, the variable, the path (of the context where that is known), or the step's text. */
  readonly name: string;
  readonly change: 'changed' | 'added' | 'removed';
  /** Of a `file`: `content`, `mode`, `owner`, `type`, `target` (of a link), `attributes`. */
  readonly what?: readonly string[];
  /** What it was and is, where that is text: secrets are masked. */
  readonly before?: string;
  readonly after?: string;
  /** Of a `step`: its id in this build. */
  readonly step?: string;
  /** Of a `step`: it was executed in this build, too. */
  readonly ranAgain?: boolean;
}
