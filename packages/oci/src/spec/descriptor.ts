import { isDigest, isForeignDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import type { Field } from './json-document.ts';
import { decodePlatform } from './platform.ts';
import type { Platform } from './platform.ts';

/** A typed pointer to content (image-spec descriptor.md). `size` is in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** In an index: what the image runs on. */
  readonly platform?: Platform;
  /** What the manifest behind it is, when it is no image (image-spec manifest.md). */
  readonly artifactType?: string;
  /** Where else the content may be; never followed. */
  readonly urls?: readonly string[];
}

/**
 * Decodes one descriptor of a manifest or index. A digest of an unknown algorithm passes when it follows the grammar
 * (image-spec descriptor.md, "Digests"); content behind it cannot be read. Members that it does not know are dropped: a descriptor is a pointer,
 * not a document, and is never written back to the place that it came from.
 * @throws OciError of the document's code, naming the path
 */
export function decodeDescriptor(field: Field): Descriptor {
  field.refuseCaseVariants(['mediaType', 'digest', 'size']);
  const digest = field.member('digest');
  const annotations = field.member('annotations').optional((f) => f.stringMap());
  const platform = field.member('platform').optional(decodePlatform);
  const artifactType = field.member('artifactType').optional((f) => f.string());
  const urls = field.member('urls').optional((f) => f.strings());
  return {
    mediaType: field.member('mediaType').string(),
    digest:
      isDigest(digest.value) || isForeignDigest(digest.value)
        ? digest.value
        : digest.fail('must be a digest such as sha256:<64 hexadecimal digits>'),
    size: field.member('size').size(),
    ...(annotations !== undefined && { annotations }),
    ...(platform !== undefined && { platform }),
    ...(artifactType !== undefined && { artifactType }),
    ...(urls !== undefined && { urls }),
  };
}
