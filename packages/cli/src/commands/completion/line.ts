/** What a command line says so far; nothing of it need be right. */
export interface Line {
  readonly options: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  /** The option whose value comes next. */
  readonly wants: string | undefined;
  /** `--` was there. */
  readonly ended: boolean;
}
