import { sha256Digest } from '../spec/digest.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { encodeImageConfig } from '../spec/image-config.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import type { Manifest } from '../spec/manifest.ts';
import { MediaType } from '../spec/media-type.ts';

/** An image ready to be stored or exported: its two documents and the descriptors that point at them. */
export interface AssembledImage {
  /** Exact bytes. */
  readonly config: Uint8Array;
  /** Its digest is the image ID. */
  readonly configDescriptor: Descriptor;
  /** Exact bytes. */
  readonly manifest: Uint8Array;
  readonly manifestDescriptor: Descriptor;
}

/**
 * Makes the documents of an image from its config (exact bytes are kept, a value is encoded canonically) and its layers,
 * lowest first. The manifest is an OCI one, in the indented form that BuildKit and containerd write.
 */
export function assembleImage(image: {
  readonly config: ImageConfig | Uint8Array;
  readonly layers: readonly Descriptor[];
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
}): AssembledImage {
  const config = image.config instanceof Uint8Array ? image.config : encodeImageConfig(image.config);
  const configDescriptor = describe(MediaType.ociConfig, config);
  const manifest = encodeManifest({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: configDescriptor,
    layers: image.layers,
    ...(image.annotations !== undefined && { annotations: image.annotations }),
  });
  return { config, configDescriptor, manifest, manifestDescriptor: describe(MediaType.ociManifest, manifest) };
}

/** The descriptor of a document that is at hand as bytes. */
function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256Digest(bytes), size: bytes.length };
}

/** A manifest's bytes: members in the specification's order, two blanks of indentation. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { schemaVersion, mediaType, artifactType, config, layers, subject, annotations } = manifest;
  const document = { schemaVersion, mediaType, artifactType, config, layers, subject, annotations };
  return new TextEncoder().encode(JSON.stringify(document, null, 2));
}
