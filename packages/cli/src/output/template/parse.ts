/** One argument of a command, or a value by itself. */
export type Operand =
  | { readonly kind: 'field'; readonly variable: string | undefined; readonly path: readonly string[] }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** `index .A 0`, `.A`, `json`: a function with its arguments, or a value (a field may have arguments: `.Label "x"`). */
export interface Call {
  readonly name: string | undefined;
  readonly args: readonly Operand[];
}

/** Commands, each of which gets the result of the one before as its last argument. */
export interface Pipeline {
  readonly declares: readonly string[];
  readonly calls: readonly Call[];
}

/** A piece of a template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

const TOKEN = /\s*(\$?\w*(?:\.\w+)+|\$\w*|\.|:=|[|(),]|"(?:\\.|[^"\\])*"|`[^`]*`|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)/y;

/** Reads the part of Go's text/template that docker's users write. @throws SyntaxError */
export function parseTemplate(text: string): readonly Node[] {
  const pieces = text.split(/(\{\{-?\s[^]*?\s-?\}\}|\{\{[^]*?\}\})/);
  const reader = new Reader(pieces);
  const nodes = reader.nodes();
  if (reader.stop !== undefined) throw new SyntaxError(`unexpected {{${reader.stop}}}`);
  return nodes;
}

/** Texts and actions in turn. */
class Reader {
  readonly #pieces: readonly string[];
  #at = 0;
  /** The action that ended the last list of nodes: `end`, `else …`; undefined at the end of the text. */
  stop: string | undefined;

  constructor(pieces: readonly string[]) {
    this.#pieces = pieces;
  }

  nodes(): readonly Node[] {
    const nodes: Node[] = [];
    for (; this.#at < this.#pieces.length; ) {
      const piece = this.#pieces[this.#at] ?? '';
      const isAction = this.#at % 2 === 1;
      this.#at++;
      if (!isAction) {
        if (piece.includes('{{')) throw new SyntaxError('{{ without }}');
        nodes.push({ kind: 'text', text: this.#trimmed(piece) });
        continue;
      }
      const action = piece.replace(/^\{\{(?:-(?=\s))?\s*|\s*(?:(?<=\s)-)?\}\}$/g, '').trim();
      if (action.startsWith('/*')) continue;
      if (/^(?:end$|else\b)/.test(action)) {
        this.stop = action;
        return nodes;
      }
      nodes.push(this.#action(action));
    }
    this.stop = undefined;
    return nodes;
  }

  #action(action: string): Node {
    const [, kind, rest = ''] = /^(if|range|with)\s+(.*)$/s.exec(action) ?? [];
    if (kind !== 'if' && kind !== 'range' && kind !== 'with') return { kind: 'print', pipeline: parsePipeline(action) };
    const pipeline = parsePipeline(rest);
    const body = this.nodes();
    let otherwise: readonly Node[] = [];
    if (this.stop?.startsWith('else') === true) {
      const nested = this.stop.slice('else'.length).trim();
      // `{{else if X}}` shares the end of the outer one.
      otherwise = nested === '' ? this.nodes() : [this.#action(nested)];
    }
    if (this.stop !== 'end') throw new SyntaxError(`{{${kind}}} without {{end}}`);
    return { kind, pipeline, body, otherwise };
  }

  /** Without the white space that `-}}` before it and `{{-` behind it take away. */
  #trimmed(text: string): string {
    const [before = '', after = ''] = [this.#pieces[this.#at - 2], this.#pieces[this.#at]];
    const start = /\s-\}\}$/.test(before) ? text.trimStart() : text;
    return /^\{\{-\s/.test(after) ? start.trimEnd() : start;
  }
}

function parsePipeline(text: string): Pipeline {
  const tokens = tokensOf(text);
  const declared = tokens.indexOf(':=');
  const declares = declared < 0 ? [] : tokens.splice(0, declared + 1).filter((token) => token.startsWith('$'));
  const calls = parseCalls(tokens);
  if (tokens.length > 0) throw new SyntaxError(`unexpected ${tokens[0] ?? ''}`);
  return { declares, calls };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw new SyntaxError(`unexpected ${JSON.stringify(text.slice(at).trim())}`);
    tokens.push(token);
  }
  return tokens;
}

function parseCalls(tokens: string[]): readonly Call[] {
  const calls: Call[] = [];
  do {
    const first = tokens[0] ?? '';
    const name = /^[A-Za-z_]\w*$/.test(first) && !/^(?:true|false|nil)$/.test(first) ? tokens.shift() : undefined;
    const args: Operand[] = [];
    while (tokens.length > 0 && tokens[0] !== '|' && tokens[0] !== ')') args.push(parseOperand(tokens));
    if (name === undefined && args.length === 0) throw new SyntaxError('a value is missing');
    calls.push({ name, args });
  } while (tokens[0] === '|' && tokens.shift() !== undefined);
  return calls;
}

function parseOperand(tokens: string[]): Operand {
  const token = tokens.shift() ?? '';
  if (token === '(') {
    const calls = parseCalls(tokens);
    if (tokens.shift() !== ')') throw new SyntaxError('( without )');
    const path = /^(?:\.\w+)+$/.test(tokens[0] ?? '') ? namesOf(tokens.shift() ?? '') : [];
    return { kind: 'group', pipeline: { declares: [], calls }, path };
  }
  if (token.startsWith('"')) return { kind: 'value', value: JSON.parse(token) as string };
  if (token.startsWith('`')) return { kind: 'value', value: token.slice(1, -1) };
  if (/^-?\d/.test(token)) return { kind: 'value', value: Number(token) };
  if (token === 'true' || token === 'false') return { kind: 'value', value: token === 'true' };
  if (token === 'nil') return { kind: 'value', value: null };
  if (/^[$.]/.test(token)) {
    const variable = /^\$\w*/.exec(token)?.[0];
    return { kind: 'field', variable, path: namesOf(token.slice(variable?.length ?? 0)) };
  }
  throw new SyntaxError(`unexpected ${token}`);
}

function namesOf(path: string): readonly string[] {
  return path.split('.').filter((name) => name !== '');
}
