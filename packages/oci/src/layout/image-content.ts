import { OciError } from '../spec/oci-error.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import type { ImageContent } from './stored-image.ts';

/** The config of an image to be added, when it agrees with the layers. @throws OciError `CONFIG_INVALID` */
export function checkedConfig(image: ImageContent): ImageConfig {
  const config = decodeImageConfig(image.config);
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== image.layers.length) {
    throw new OciError(
      'CONFIG_INVALID',
      `image config: rootfs.diff_ids lists ${diffIds.length} layers, but there are ${image.layers.length}`,
    );
  }
  image.layers.forEach((layer, i) => {
    if (layer.digest !== diffIds[i]) {
      throw new OciError(
        'CONFIG_INVALID',
        `image config: rootfs.diff_ids[${i}] is not the digest of layer ${i}, ${layer.digest}`,
      );
    }
  });
  return config;
}
