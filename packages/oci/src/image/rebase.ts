import { changeImage, historyTexts } from './change-image.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Image } from './image-value.ts';
import { familyOf, layerInFamily } from './media-type-family.ts';
import { formatPlatform, samePlatform } from '../spec/platform.ts';

/**
 * Puts the layers that an image has on top of `oldBase` onto `newBase`, without reading any. The history of the new base
 * takes the place of the old one's. The config stays the image's own: what it took over from the old base (PATH, user) is
 * still there, so bases should be versions of one image.
 * @throws OciError `MANIFEST_INVALID` when the image was not made from `oldBase`; `CONFIG_INVALID` when their histories do
 * not fit; `PLATFORM_INVALID` when the new base is for another platform
 * @example
 *   const patched = rebase(app, await fromRegistry(client, oldBase), await fromRegistry(client, newBase));
 */
export function rebase(image: Image, oldBase: Image, newBase: Image): Image {
  checkPrefix(image, oldBase);
  // A new base of Windows is for another version of it, nearly always.
  const { os, architecture, variant } = newBase.config;
  const compared = { os, architecture, ...(variant !== undefined && { variant }) };
  if (!samePlatform({ ...image.config, 'os.version': '', 'os.features': [] }, compared)) {
    throw new OciError(
      'PLATFORM_INVALID',
      `cannot rebase: the image is for ${formatPlatform(image.config)}, the new base for ${formatPlatform(newBase.config)}`,
    );
  }
  const family = familyOf(image.manifest.mediaType);
  const own = image.layers.slice(oldBase.layers.length);
  return changeImage(image, {
    layers: [...newBase.layers.map((layer) => layerInFamily(layer, family)), ...own],
    history: [...historyTexts(newBase), ...historyTexts(image).slice(baseSteps(image, oldBase))],
  });
}

function checkPrefix(image: Image, oldBase: Image): void {
  oldBase.layers.forEach(({ diffID }, i) => {
    const layer = image.layers[i];
    if (layer?.diffID === diffID) return;
    const there = layer === undefined ? 'no such layer' : layer.diffID;
    throw new OciError(
      'MANIFEST_INVALID',
      `cannot rebase: the image was not made from the old base: its layer ${i} is ${diffID}, the image has ${there}`,
      { fields: { layer: i } },
    );
  });
}

/** How many steps of the image's history are the old base's. */
function baseSteps(image: Image, oldBase: Image): number {
  const steps = historyTexts(oldBase);
  const beginning = historyTexts(image).slice(0, steps.length);
  const filled = beginning.filter(
    (step) => (JSON.parse(step) as { empty_layer?: boolean }).empty_layer !== true,
  ).length;
  if (beginning.length === steps.length && filled === oldBase.layers.length) return steps.length;
  throw new OciError(
    'CONFIG_INVALID',
    `cannot rebase: the image's history does not begin with the old base's ${steps.length} steps for ${oldBase.layers.length} layers`,
  );
}
