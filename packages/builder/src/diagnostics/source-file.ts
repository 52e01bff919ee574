/** A text with a name, e.g. a Dockerfile: what source ranges point into. */
export interface SourceFile {
  /** The name to show to people, e.g. `Dockerfile` or `docker/web.Dockerfile`. */
  readonly name: string;
  readonly text: string;
}

/** A stretch of whole or partial lines. Lines count from 1, columns from 0 (UTF-16 units); `end` is exclusive in column. */
export interface SourceRange {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}
