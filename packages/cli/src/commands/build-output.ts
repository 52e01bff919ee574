import { UsageError, notSupportedYet } from '../errors.ts';

/** Where the image goes beside the store. */
export type BuildOutput =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'engine' };

const LATER = ['image', 'local', 'registry', 'tar', 'cacheonly'];

/**
 * Reads `--output` values: `FILE`, `-`, or docker's `type=docker|oci,dest=FILE|-`. Both types are the same archive, an
 * OCI layout and a docker-archive in one.
 * @throws UsageError
 */
export function parseBuildOutput(text: string): BuildOutput {
  if (text === '') throw wrong(text, 'expected a file, or - for standard output');
  if (!/^(?:type|dest|tar|name)=/.test(text)) return destination(text);
  const fields = new Map(text.split(',').map((field) => splitField(text, field)));
  const type = fields.get('type');
  if (type === undefined) throw wrong(text, 'type= is missing');
  if (LATER.includes(type)) throw notSupportedYet(`--output type=${type}`, 'build');
  if (type !== 'docker' && type !== 'oci') throw wrong(text, 'expected type=docker or type=oci');
  for (const key of fields.keys()) {
    if (key === 'tar' && fields.get(key) === 'true') continue;
    if (key !== 'type' && key !== 'dest') throw notSupportedYet(`${key}= in --output ${text}`, 'build');
  }
  const dest = fields.get('dest');
  if (dest !== undefined && dest !== '') return destination(dest);
  // As in buildx: without a destination, `docker` is the engine and `oci` is standard output.
  return type === 'docker' ? { kind: 'engine' } : { kind: 'stdout' };
}

function destination(path: string): BuildOutput {
  return path === '-' ? { kind: 'stdout' } : { kind: 'file', path };
}

function splitField(text: string, field: string): [string, string] {
  const equals = field.indexOf('=');
  if (equals < 0) throw wrong(text, `expected key=value, not ${JSON.stringify(field)}`);
  return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`invalid --output ${JSON.stringify(text)}: ${why}`, { command: 'build' });
}
