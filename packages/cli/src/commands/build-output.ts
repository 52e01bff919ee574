import { parseReference } from '@tsbuild/oci/node';
import { UsageError, notSupportedYet } from '../errors.ts';

/** Where the image goes beside the store. */
export type BuildOutput =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'engine' }
  /** The files of the image, in a directory. */
  | { readonly kind: 'files'; readonly path: string }
  /** The files of the image as a tar archive; `-` is standard output. */
  | { readonly kind: 'tar'; readonly path: string }
  /** An OCI image layout. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Under `name`, or without one under each of the image's names. */
  | { readonly kind: 'registry'; readonly name?: string };

/**
 * Reads `--output` values: `FILE`, `DIR`, `-`, or docker's `type=docker|oci,dest=FILE|-`, `type=oci,dest=DIR,tar=false`,
 * `type=local,dest=DIR`, `type=tar,dest=FILE|-` and `type=registry[,name=NAME]`. The archives of docker and oci are the
 * same, an OCI layout and a docker-archive in one.
 * @throws UsageError
 */
export function parseBuildOutput(text: string): BuildOutput {
  if (text === '') throw wrong(text, 'expected a file, or - for standard output');
  if (!/^(?:type|dest|tar|name|push)=/.test(text)) return named(text);
  const fields = new OutputFields(text);
  const type = fields.take('type');
  if (type === undefined) throw wrong(text, 'type= is missing');
  const output = ofType(type, fields);
  const [left] = fields.left();
  if (left !== undefined) throw notSupportedYet(`${left}= in --output ${text}`, 'build');
  return output;
}

function ofType(type: string, fields: OutputFields): BuildOutput {
  switch (type) {
    case 'docker':
    case 'oci':
      return toArchive(fields, type);
    case 'registry':
    case 'image':
      return toRegistry(fields, type);
    case 'local':
    case 'tar':
      return toFiles(fields, type);
    case 'cacheonly':
      throw notSupportedYet('--output type=cacheonly', 'build');
    default:
      throw wrong(fields.text, 'expected type=docker, type=oci, type=local, type=tar or type=registry');
  }
}

function toFiles(fields: OutputFields, type: 'local' | 'tar'): BuildOutput {
  const path = fields.take('dest') ?? '';
  if (type === 'tar') return { kind: 'tar', path: path === '' ? '-' : path };
  if (path === '' || path === '-') throw wrong(fields.text, 'type=local needs dest=DIR');
  return { kind: 'files', path };
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

/**
 * A path without type: buildx means a directory of files, and we an archive. A name with a dot in it, such as
 * `my-app.tar`, is the archive's; `out`, `./dist` and whatever ends in a slash are directories.
 */
function named(path: string): BuildOutput {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isDirectory = name === '' || name === '.' || name === '..' || !name.includes('.');
  const isStream = path === '-' || /^\/(?:dev|proc)\//.test(path);
  return isDirectory && !isStream ? { kind: 'files', path } : destination(path);
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
