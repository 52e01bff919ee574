/** Looks a variable up; undefined means unset. */
export type Lookup = (name: string) => string | undefined;

/** How words are expanded. */
export interface ExpandOptions {
  readonly escape: '\\' | '`';
  /** Called once per expansion for each name that was looked up and is not set. */
  readonly onUndefined?: (name: string) => void;
}

/** Expands a word: quotes are removed and variables replaced. Throws WordError. */
export function expandWord(word: string, lookup: Lookup, options: ExpandOptions): string {
  throw new Error(`not built yet: ${word} ${lookup.name} ${options.escape}`);
}

/** Expands, then splits on blanks outside quotes (EXPOSE). Throws WordError. */
export function expandWords(word: string, lookup: Lookup, options: ExpandOptions): string[] {
  throw new Error(`not built yet: ${word} ${lookup.name} ${options.escape}`);
}

/** Expands the variables of a heredoc's body; quotes stay. Throws WordError. */
export function expandHeredoc(body: string, lookup: Lookup, onUndefined?: (name: string) => void): string {
  throw new Error(`not built yet: ${body} ${lookup.name} ${onUndefined?.name}`);
}
