import {
  formatPlatform,
  hostPlatform,
  type Layout,
  OciError,
  parsePlatform,
  type StoredImage,
} from '@tsbuild/oci/node';
import type { OptionSpec } from '../grammar/options.ts';
import type { Host } from '../host/host.ts';
import { sanitizeName } from '../output/sanitize.ts';

/** `--platform` of commands that take an image of the store. */
export const platformOption = {
  kind: 'value',
  placeholder: 'OS/ARCH',
  describe: 'The platform to take from a multi-platform image',
} as const satisfies OptionSpec;

/** The platform that was asked for. */
interface Choice {
  readonly platform: string | undefined;
}

/**
 * The image that a name means to a command. Of a multi-platform image the one for `platform`, by itself; without a platform the
 * one for this machine, or the first, as standard error then says.
 * @throws OciError `PLATFORM_INVALID`, and as `Layout.find`
 */
export async function findStoredImage(
  name: string,
  layout: Layout,
  { platform }: Choice,
  host: Pick<Host, 'stderr'>,
): Promise<StoredImage | undefined> {
  if (platform === undefined) {
    const image = await layout.find(name);
    if (image !== undefined) tellFirst(name, image, host);
    return image;
  }
  const image = await layout.find(name, { platform: parsePlatform(platform) });
  return image && withoutIndex(image);
}

/** As {@link findStoredImage}. @throws OciError `IMAGE_NOT_FOUND` */
export async function resolveImage(
  name: string,
  layout: Layout,
  choice: Choice,
  host: Pick<Host, 'stderr'>,
): Promise<StoredImage> {
  const image = await findStoredImage(name, layout, choice, host);
  if (image !== undefined) return image;
  throw new OciError('IMAGE_NOT_FOUND', `no such image: ${name}`, { fields: { name, store: layout.root } });
}

/** Says so where an image for this machine was looked for, and another one was taken. */
export function tellFirst(name: string, { index, config }: StoredImage, host: Pick<Host, 'stderr'>): void {
  if (index?.isFirst !== true) return;
  const [wanted, taken] = [hostPlatform(), config].map(formatPlatform);
  host.stderr.write(
    `Note: ${sanitizeName(name)} has no image for ${wanted}; using ${sanitizeName(taken ?? '')}, its first (--platform chooses)\n`,
  );
}

/** The image alone, whatever it was chosen from. */
export function withoutIndex({ index: _index, ...image }: StoredImage): StoredImage {
  return image;
}
