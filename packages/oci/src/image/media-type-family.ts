import { changeImage, manifestText } from './change-image.ts';
import { withMediaType } from '../selection/descriptor-text.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { setMembers } from '../spec/json-edit.ts';
import { MediaType } from '../spec/media-type.ts';

/** The two families of media types: image-spec's, and those of Docker's image manifest v2, schema 2. */
export type MediaTypeFamily = 'oci' | 'docker';

/** Types that mean the same: OCI's first. */
const PAIRS: readonly (readonly [oci: string, docker: string])[] = [
  [MediaType.ociManifest, MediaType.dockerManifest],
  [MediaType.ociConfig, MediaType.dockerConfig],
  [MediaType.ociLayer, MediaType.dockerLayer],
  [MediaType.ociLayerGzip, MediaType.dockerLayerGzip],
  [MediaType.ociLayerZstd, MediaType.dockerLayerZstd],
  [
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ],
];

/** The family of a manifest's type. */
export function familyOf(mediaType: string): MediaTypeFamily {
  return mediaType === MediaType.dockerManifest ? 'docker' : 'oci';
}

/** The type of `family` that means the same. @throws OciError `UNSUPPORTED` when there is none */
function inFamily(mediaType: string, family: MediaTypeFamily): string {
  for (const [oci, docker] of PAIRS) {
    if (mediaType === oci || mediaType === docker) return family === 'oci' ? oci : docker;
  }
  throw new OciError('UNSUPPORTED', `the media type ${mediaType} has no counterpart among the ${family} types`, {
    fields: { mediaType },
  });
}

/**
 * The image with the media types of one family; nothing that it consists of changes. Docker's manifest knows no artifact
 * type, subject and annotations: those are left out.
 * @throws OciError `UNSUPPORTED` for a layer's type without a counterpart
 */
export function withMediaTypes(image: Image, family: MediaTypeFamily): Image {
  const layers = image.layers.map((layer) => layerInFamily(layer, family));
  const lost = family === 'docker' ? { artifactType: undefined, subject: undefined, annotations: undefined } : {};
  const config = inFamily(image.manifest.config.mediaType, family);
  const isSame = config === image.manifest.config.mediaType;
  return changeImage(image, {
    manifest: {
      mediaType: JSON.stringify(inFamily(image.manifest.mediaType, family)),
      ...(!isSame && { config: setMembers(manifestText(image, 'config'), { mediaType: config }) }),
      ...lost,
    },
    layers,
  });
}

/** The layer with its type in `family`; the same value when it is already. @throws OciError `UNSUPPORTED` */
export function layerInFamily(layer: ImageLayer, family: MediaTypeFamily): ImageLayer {
  const mediaType = inFamily(layer.descriptor.mediaType, family);
  if (mediaType === layer.descriptor.mediaType) return layer;
  return { ...layer, descriptor: withMediaType(layer.descriptor, mediaType) };
}
