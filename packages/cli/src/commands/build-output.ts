import { parseReference } from '@tsbuild/oci/node';
import { UsageError, notSupportedYet } from '../errors.ts';

/** Where the image goes beside the store. */
export type BuildOutput =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'engine' }
  /** An OCI image layout. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Under `name`, or without one under each of the image's names. */
  | { readonly kind: 'registry'; readonly name?: string };

const LATER = ['local', 'tar', 'cacheonly'];
const TYPES = ['docker', 'oci', 'registry', 'image'];

/**
 * Reads `--output` values: `FILE`, `-`, or docker's `type=docker|oci,dest=FILE|-`, `type=oci,dest=DIR,tar=false` and
 * `type=registry[,name=NAME]`. The archives of both types are the same, an OCI layout and a docker-archive in one.
 * @throws UsageError
 */
export function parseBuildOutput(text: string): BuildOutput {
  if (text === '') throw wrong(text, 'expected a file, or - for standard output');
  if (!/^(?:type|dest|tar|name|push)=/.test(text)) return destination(text);
  const fields = new OutputFields(text);
  const type = fields.take('type');
  if (type === undefined) throw wrong(text, 'type= is missing');
  if (LATER.includes(type)) throw notSupportedYet(`--output type=${type}`, 'build');
  if (!TYPES.includes(type)) throw wrong(text, 'expected type=docker, type=oci or type=registry');
  const output = type === 'registry' || type === 'image' ? toRegistry(fields, type) : toArchive(fields, type);
  const [left] = fields.left();
  if (left !== undefined) throw notSupportedYet(`${left}= in --output ${text}`, 'build');
  return output;
}

/** `type=image,push=true` is buildx's longer name for `type=registry`. */
function toRegistry(fields: OutputFields, type: string): BuildOutput {
  const push = fields.boolean('push', type === 'registry');
  if (!push) throw notSupportedYet(`--output ${fields.text}: an image that is not pushed`, 'build');
  const name = fields.take('name');
  if (name === undefined || name === '') return { kind: 'registry' };
  try {
    if (parseReference(name).digest !== undefined) throw new Error('a name to give cannot contain a digest');
  } catch (error) {
    throw wrong(fields.text, error instanceof Error ? error.message : String(error));
  }
  return { kind: 'registry', name };
}

function toArchive(fields: OutputFields, type: string): BuildOutput {
  const dest = fields.take('dest') ?? '';
  if (!fields.boolean('tar', true)) {
    if (type !== 'oci') throw wrong(fields.text, 'tar=false is for type=oci');
    if (dest === '' || dest === '-') throw wrong(fields.text, 'tar=false needs dest=DIR');
    return { kind: 'directory', path: dest };
  }
  if (dest !== '') return destination(dest);
  // As in buildx: without a destination, `docker` is the engine and `oci` is standard output.
  return type === 'docker' ? { kind: 'engine' } : { kind: 'stdout' };
}

function destination(path: string): BuildOutput {
  return path === '-' ? { kind: 'stdout' } : { kind: 'file', path };
}

/** The `key=value` pairs of one --output, each to be taken once. */
class OutputFields {
  readonly text: string;
  readonly #fields: Map<string, string>;

  constructor(text: string) {
    this.text = text;
    this.#fields = new Map(text.split(',').map((field) => splitField(text, field)));
  }

  take(key: string): string | undefined {
    const value = this.#fields.get(key);
    this.#fields.delete(key);
    return value;
  }

  boolean(key: string, absent: boolean): boolean {
    const value = this.take(key);
    if (value === undefined) return absent;
    if (value === 'true' || value === 'false') return value === 'true';
    throw wrong(this.text, `${key}= must be true or false`);
  }

  /** The keys that nobody has taken. */
  left(): readonly string[] {
    return [...this.#fields.keys()];
  }
}

function splitField(text: string, field: string): [string, string] {
  const equals = field.indexOf('=');
  if (equals < 0) throw wrong(text, `expected key=value, not ${JSON.stringify(field)}`);
  return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`invalid --output ${JSON.stringify(text)}: ${why}`, { command: 'build' });
}
