import { portableHasher, verified } from '../blob/verify.ts';
import { NO_CONTENT } from './content-source.ts';
import type { ContentSource } from './content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm, sha256Digest } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { encodeManifest } from './image.ts';
import { checkContent } from './image-value.ts';
import { decodeManifest } from '../spec/manifest.ts';
import type { Manifest } from '../spec/manifest.ts';
import { MediaType } from '../spec/media-type.ts';

/** image-spec manifest.md, "Guidance for an Empty Descriptor": what stands where an artifact has nothing to say. */
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
const EMPTY = '{}';
/** The annotation that ORAS and others take for the file's name. */
const TITLE = 'org.opencontainers.image.title';

/** One file of an {@link Artifact}. */
export interface ArtifactFile {
  readonly descriptor: Descriptor;
  /** The file's name, where the artifact tells it (`org.opencontainers.image.title`). */
  readonly title?: string;
  /**
   * The bytes; digest and size are checked while they are read, and what came before the end must not be trusted until the
   * end came.
   * @throws OciError `BLOB_CORRUPT`, `BLOB_NOT_FOUND`, and of the medium
   */
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * A manifest that is no image, as an immutable value: a signature, an SBOM, a chart, a model (image-spec manifest.md,
 * "Guidelines for Artifact Usage"). `toRegistry` and `toLayout` take it as they take images.
 */
export interface Artifact {
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** The manifest's exact bytes. */
  readonly rawManifest: Uint8Array;
  /** What it is: `artifactType`, or the type of the config where older tools leave that out. */
  readonly artifactType: string;
  /** The layers of the manifest; none where it has only the empty one. */
  readonly files: readonly ArtifactFile[];
  /** Where what the manifest names is read from. */
  readonly content: ContentSource;
}

/** A file for {@link artifactOf}. */
export interface NewArtifactFile {
  readonly content: Uint8Array | string;
  /** `application/octet-stream` unless told. */
  readonly mediaType?: string;
  /** The file's name. */
  readonly title?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What {@link artifactOf} makes an artifact of. */
export interface ArtifactParts {
  readonly artifactType: string;
  readonly files?: readonly NewArtifactFile[];
  /** The empty config unless told. */
  readonly config?: { readonly mediaType: string; readonly content: Uint8Array | string };
  /** The manifest that it says something of: a signed image. Registries list it among the referrers of that. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Makes an artifact of content at hand. The same parts give the same digest.
 * @throws OciError `MANIFEST_INVALID`
 * @example
 *   const sbom = artifactOf({
 *     artifactType: 'application/spdx+json',
 *     files: [{ content: json, mediaType: 'application/spdx+json', title: 'sbom.json' }],
 *     subject: image.descriptor,
 *   });
 *   await toRegistry(client, { registry, repository, digest: sbom.descriptor.digest }, sbom);
 */
export function artifactOf(parts: ArtifactParts): Artifact {
  const blobs = new Map<Digest, Uint8Array>();
  const add = (content: Uint8Array | string, mediaType: string): Descriptor => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice();
    const digest = sha256Digest(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = add(parts.config?.content ?? EMPTY, parts.config?.mediaType ?? EMPTY_TYPE);
  const layers = (parts.files ?? []).map(({ content, mediaType, title, annotations }): Descriptor => {
    const all = { ...annotations, ...(title !== undefined && { [TITLE]: title }) };
    const described = add(content, mediaType ?? 'application/octet-stream');
    return Object.keys(all).length === 0 ? described : { ...described, annotations: all };
  });
  const rawManifest = encodeManifest({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: parts.artifactType,
    config,
    // A manifest has at least one layer.
    layers: layers.length > 0 ? layers : [add(EMPTY, EMPTY_TYPE)],
    ...(parts.subject !== undefined && { subject: plain(parts.subject) }),
    ...(parts.annotations !== undefined && { annotations: parts.annotations }),
  });
  const content: ContentSource = {
    ...NO_CONTENT,
    blob: (descriptor) => {
      const bytes = blobs.get(descriptor.digest);
      return bytes === undefined ? NO_CONTENT.blob(descriptor) : once(bytes);
    },
  };
  return artifactFromManifest(rawManifest, content);
}

/**
 * Reads an artifact; its files are read when they are opened. An image is an artifact, too, of the type of its config.
 * @throws OciError `MANIFEST_INVALID`, and of the source
 * @example
 *   const artifact = await artifactFrom(registryContent(client, reference), descriptor);
 *   for (const { title, open } of artifact.files) console.log(title, await text(open()));
 */
export async function artifactFrom(
  source: ContentSource,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<Artifact> {
  return artifactFromManifest(await source.document(descriptor, signal), source, descriptor);
}

/** The value of a manifest at hand. @throws OciError `MANIFEST_INVALID`, `BLOB_CORRUPT` */
export function artifactFromManifest(
  rawManifest: Uint8Array,
  content: ContentSource,
  announced?: Descriptor,
): Artifact {
  if (announced !== undefined) checkContent(rawManifest, announced);
  const manifest = decodeManifest(rawManifest, announced?.mediaType);
  const artifactType = manifest.artifactType ?? manifest.config.mediaType;
  if (artifactType === '') throw new OciError('MANIFEST_INVALID', 'manifest: the artifact type is empty');
  const { digest, size } = announced ?? { digest: sha256Digest(rawManifest), size: rawManifest.length };
  const files = manifest.layers.filter(({ mediaType }) => mediaType !== EMPTY_TYPE);
  return {
    descriptor: { mediaType: manifest.mediaType, digest, size, artifactType },
    manifest,
    rawManifest,
    artifactType,
    files: files.map((descriptor) => fileOf(descriptor, content)),
    content,
  };
}

/**
 * The artifact as one that says something of a manifest: with another subject, and so with another digest.
 * @example
 *   const signature = withSubject(made, image.descriptor);
 */
export function withSubject(artifact: Artifact, subject: Descriptor | undefined): Artifact {
  const { subject: _, ...manifest } = artifact.manifest;
  const changed = { ...manifest, ...(subject !== undefined && { subject: plain(subject) }) };
  return artifactFromManifest(encodeManifest(changed), artifact.content);
}

/** A source that has an artifact beside what `below` has. */
export function withArtifact(
  { descriptor, manifest, rawManifest, content }: Artifact,
  below: ContentSource,
): ContentSource {
  const own = new Set([manifest.config, ...manifest.layers].map(({ digest }) => digest));
  return {
    ...below,
    document: async (wanted, signal) =>
      wanted.digest === descriptor.digest ? rawManifest : below.document(wanted, signal),
    blob: (wanted, signal) => (own.has(wanted.digest) ? content : below).blob(wanted, signal),
  };
}

function fileOf(descriptor: Descriptor, content: ContentSource): ArtifactFile {
  const title = descriptor.annotations?.[TITLE];
  return {
    descriptor,
    ...(title !== undefined && { title }),
    open: (signal) =>
      verified(content.blob(descriptor, signal), descriptor, portableHasher(digestAlgorithm(descriptor.digest))),
  };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.slice();
}
