import { OciError, parseReference, type Reference } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { BuildOptions } from './build-options.ts';

/** The names that the image gets in the store. @throws BuildError `OPTION_INVALID` */
export function imageNames({ tags, cacheOnly }: BuildOptions): readonly Reference[] {
  return cacheOnly === true ? [] : tags.map(parseTag);
}

function parseTag(tag: string): Reference {
  try {
    const reference = parseReference(tag);
    if (reference.digest === undefined) return reference;
    throw new OciError('REFERENCE_INVALID', 'an image cannot be tagged with a digest, which depends on its content');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError('OPTION_INVALID', `invalid tag ${JSON.stringify(tag)}: ${reason}`, { cause: error });
  }
}
