/** One file of a case's folder. */
export interface CaseFile {
  /** Relative to the context; `../x` lies beside it. */
  readonly path: string;
  readonly content: string;
}

/** A difference that is known and wanted. */
export interface KnownDifference {
  /** `deliberate`: tsbuild's own choice. `newer`: the engine is older than the rule that tsbuild follows. */
  readonly kind: 'deliberate' | 'newer';
  /** Beginning of the engine versions that it is for; undefined for all. */
  readonly engine: string | undefined;
  readonly pattern: RegExp;
  readonly reason: string;
}

/** What a case says literally about the image. */
export interface Expectation {
  /** All that the new layers leave, line by line; undefined: not said. */
  readonly tree: readonly string[] | undefined;
  /** Fields of `config`, and `author`, that must have these values. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** `created_by` of each new row. */
  readonly history: readonly string[] | undefined;
}

/** A phrase of an error message. */
export interface ExpectedFailure {
  readonly tsbuild: RegExp;
  readonly engine: RegExp;
}

/** A Dockerfile with its context, how it is built, and the rule that it shows. */
export interface Case {
  readonly name: string;
  /** The file it stands in, without extension. */
  readonly area: string;
  /** The rule, in words. */
  readonly rule: string;
  readonly files: readonly CaseFile[];
  /** Shell commands that finish the context: modes, links, times, archives. */
  readonly setup: readonly string[];
  /** Shell commands that change the context before it is built a second time, with the cache of the first. */
  readonly again: readonly string[];
  /** More arguments of `build`. */
  readonly build: readonly string[];
  readonly network: string;
  /** What stands for PATH on the command line; `{context}` unless told. */
  readonly context: string;
  /** The file that is given to standard input. */
  readonly stdin: string | undefined;
  /** Added to the environment of both builders. */
  readonly env: Readonly<Record<string, string>>;
  readonly fails: ExpectedFailure | undefined;
  /** The Dockerfile version that brought what is shown: older engines are not asked. */
  readonly since: readonly [number, number] | undefined;
  /** Why no engine is asked at all. */
  readonly alone: string | undefined;
  readonly known: readonly KnownDifference[];
  readonly expected: Expectation;
}
