import { parseReference } from '@tsbuild/oci/node';
import { BOOLEAN, NO, type OutputFields, wrongOutput, YES } from './output-fields.ts';

/** What the keys of BuildKit's image exporter say that any output of an image takes. */
export interface ImageKeys {
  /** Names for the image in place of the build's own. */
  readonly names: readonly string[];
  /** As `--annotation` takes them. */
  readonly annotations: readonly string[];
  /** How attestations are stored; as an artifact unless told. */
  readonly attestationForm?: 'image';
}

/** What becomes of layers on their way out: what `compression=` can be without a change. */
const COMPRESSION = {
  push: { same: /^gzip$/, instead: 'layers are pushed with gzip, which every registry and engine accepts' },
  archive: { same: /^uncompressed$/, instead: 'archives have plain layers; compress the file: -o - | zstd > FILE' },
} as const;

/**
 * Reads the keys that all exporters of images share (BuildKit, exporter/containerimage/exptypes/keys.go). Those that change
 * nothing here are taken, each at the values of which that is true; others are refused with what to use.
 * @throws UsageError
 */
export function imageKeys(fields: OutputFields, way: keyof typeof COMPRESSION): ImageKeys {
  const { same, instead } = COMPRESSION[way];
  fields.ignore('compression', same, instead);
  fields.ignore('compression-level', /^$/, 'the level is fixed, so that a layer has the same digest everywhere');
  fields.ignore('force-compression', way === 'push' ? NO : BOOLEAN, 'layers of the base are kept byte for byte');
  fields.ignore('oci-mediatypes', YES, 'images are OCI images, which registries and Docker 20.10 or later accept');
  fields.ignore('unpack', BOOLEAN, '');
  fields.ignore('store', YES, 'the image is always in the store: remove it with tsbuild rmi');
  fields.ignore('name-canonical', BOOLEAN, '');
  fields.ignore('dangling-name-prefix', /^$/, 'give the image a name: name=NAME, or -t NAME');
  fields.ignore('rewrite-timestamp', BOOLEAN, ''); // what SOURCE_DATE_EPOCH does by itself
  fields.ignore('source-date-epoch', /^$/, 'set the variable SOURCE_DATE_EPOCH, or the --build-arg with this name');
  fields.ignore('prefer-nondist-layers', NO, 'layers can always be distributed');
  fields.ignore('attestation-inline', BOOLEAN, ''); // they always are
  const form = fields.boolean('oci-artifact', true) ? {} : { attestationForm: 'image' as const };
  return {
    ...form,
    names: fields.list('name').map((name) => checkedName(name, fields)),
    annotations: annotations(fields),
  };
}

function checkedName(name: string, { text }: OutputFields): string {
  try {
    if (parseReference(name).digest === undefined) return name;
  } catch (error) {
    throw wrongOutput(text, error instanceof Error ? error.message : String(error));
  }
  throw wrongOutput(text, 'an image cannot be named by a digest');
}

/** `annotation.KEY=VALUE`, `annotation-manifest[linux/amd64].KEY=VALUE`, …: the manifest's unless told. */
function annotations(fields: OutputFields): readonly string[] {
  return fields.takeAll(/^annotation/i).map(([key, value]) => {
    const match = /^annotation(?:-([a-z-]+))?(\[[^\]]*\])?\.(.+)$/i.exec(key);
    if (match === null) throw wrongOutput(fields.text, `${key}= is not annotation[-TYPE][[PLATFORM]].KEY`);
    const [, type = 'manifest', platform = '', name = ''] = match;
    return `${type}${platform}:${name}=${value}`;
  });
}
