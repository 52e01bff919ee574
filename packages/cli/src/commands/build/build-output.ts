import { imageKeys } from './image-keys.ts';
import { OutputFields, splitRecord, wrongOutput as wrong } from './output-fields.ts';

/** Where the image goes beside the store. `names` stand in for the image's own, where it has none. */
export type BuildOutput = (
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'engine' }
  /** The files of the image, in a directory. */
  | {
      readonly kind: 'files';
      readonly path: string;
      readonly platformSplit?: boolean;
      readonly attestationPrefix?: string;
    }
  /** The files of the image as a tar archive; `-` is standard output. */
  | {
      readonly kind: 'tar';
      readonly path: string;
      readonly platformSplit?: boolean;
      readonly attestationPrefix?: string;
    }
  /** An OCI image layout. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Nowhere else: the store gives it these names, too. */
  | { readonly kind: 'store' }
  /** Not even into the store: what the steps made is in the cache. */
  | { readonly kind: 'cache' }
  /** Under `names`, or without any under each of the image's names. */
  | {
      readonly kind: 'registry';
      /** Without a tag. */
      readonly byDigest?: true;
      /** The registry may speak HTTP, or have a certificate that nobody knows. */
      readonly insecure?: true;
    }
) & {
  readonly names?: readonly string[];
  readonly annotations?: readonly string[];
  readonly attestationForm?: 'image';
};

/**
 * Reads `--output` values: `FILE`, `DIR`, `-`, or docker's `type=docker|oci,dest=FILE|-`, `type=oci,dest=DIR,tar=false`,
 * `type=local,dest=DIR`, `type=tar,dest=FILE|-`, `type=image[,push=true]`, `type=registry` and `type=cacheonly`, with the
 * keys that buildx takes. The archives of docker and oci are the same, an OCI layout and a docker-archive in one.
 * @throws UsageError
 */
export function parseBuildOutput(text: string): BuildOutput {
  if (text === '') throw wrong(text, 'expected a file, or - for standard output');
  // As buildx tells them apart: one field that is no type is a path, whatever it looks like.
  if (!text.startsWith('type=') && splitRecord(text).length === 1 && !text.startsWith('"')) return named(text);
  const fields = new OutputFields(text);
  const type = fields.take('type');
  if (type === undefined) throw wrong(text, 'type= is missing');
  const output = ofType(type, fields);
  fields.end();
  return output;
}

function ofType(type: string, fields: OutputFields): BuildOutput {
  switch (type) {
    case 'docker':
    case 'oci':
      return { ...toArchive(fields, type), ...imageKeys(fields, 'archive') };
    case 'registry':
    case 'image':
      return { ...toRegistry(fields, type), ...imageKeys(fields, 'push') };
    case 'local':
    case 'tar':
      return toFiles(fields, type);
    case 'cacheonly':
      return { kind: 'cache' };
    default:
      throw wrong(
        fields.text,
        'expected type=docker, type=oci, type=local, type=tar, type=image, type=registry or type=cacheonly',
      );
  }
}

function toFiles(fields: OutputFields, type: 'local' | 'tar'): BuildOutput {
  const path = fields.take('dest') ?? '';
  const split = fields.boolean('platform-split', true) ? {} : { platformSplit: false };
  const prefix = fields.take('attestation-prefix') ?? '';
  const attestations = prefix === '' ? {} : { attestationPrefix: checkedPrefix(prefix, fields) };
  fields.ignore('mode', /^copy$/, 'files are added to the directory; empty it before the build');
  if (type === 'tar') return { kind: 'tar', path: path === '' ? '-' : path, ...split, ...attestations };
  if (path === '' || path === '-') throw wrong(fields.text, 'type=local needs dest=DIR');
  return { kind: 'files', path, ...split, ...attestations };
}

/** What stands before the names of attestations; it may name no other directory. */
function checkedPrefix(prefix: string, { text }: OutputFields): string {
  if (!prefix.includes('/')) return prefix;
  throw wrong(text, 'attestation-prefix= is the beginning of a name, without a slash');
}

/** `type=image,push=true` is buildx's longer name for `type=registry`; without push the image stays in the store. */
function toRegistry(fields: OutputFields, type: string): BuildOutput {
  const push = fields.boolean('push', type === 'registry');
  const byDigest = fields.boolean('push-by-digest', false);
  const insecure = fields.boolean('registry.insecure', false);
  if (!push) return { kind: 'store' };
  return { kind: 'registry', ...(byDigest ? { byDigest } : {}), ...(insecure ? { insecure } : {}) };
}

function toArchive(fields: OutputFields, type: string): BuildOutput {
  const dest = fields.take('dest') ?? '';
  fields.ignore('context', /^(?:|default)$/, 'set DOCKER_HOST or DOCKER_CONTEXT');
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
