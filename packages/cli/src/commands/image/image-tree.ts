import { formatPlatform, isAttestation, type Layout, type StoredImage } from '@tsbuild/oci/node';
import { humanAge, humanSize } from '../../output/human.ts';
import { shownId } from '../../output/image-id.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { LayerSizes } from '../../store/open-layout.ts';
import type { ListedImage } from './listed-image.ts';

/** `tsbuild images --tree`: each name, and below it the platforms; those of an index that are not in the store, too. */
export async function platformTree(
  rows: readonly ListedImage[],
  layout: Layout,
  options: { readonly whole: boolean; readonly now: number },
): Promise<string> {
  const sizes = new LayerSizes(layout);
  const lines: string[][] = [];
  for (const { image, shown } of rows) {
    const name = shown.Repository === '<none>' ? '<untagged>' : `${shown.Repository}:${shown.Tag}`;
    lines.push([sanitizeName(name), shown.ID, shown.CreatedSince, shown.Size]);
    const children: string[][] = [];
    for (const child of await childrenOf(image, layout)) {
      const { platform, stored } = child;
      children.push([
        sanitizeName(platform),
        shownId(stored?.id ?? child.digest, options.whole),
        stored === undefined ? 'not here' : humanAge(stored.config.created, options.now),
        stored === undefined ? '' : humanSize(await sizes.sum(stored.layers)),
      ]);
    }
    children.forEach(([platform = '', ...rest], i) => {
      lines.push([`${i === children.length - 1 ? '└─' : '├─'} ${platform}`, ...rest]);
    });
  }
  return renderTable([['IMAGE', 'IMAGE ID', 'CREATED', 'SIZE'], ...lines]);
}

/** The layers of images, each once. */
export function distinctLayers(images: readonly StoredImage[]): readonly StoredImage['layers'][number][] {
  return [...new Map(images.flatMap(({ layers }) => layers.map((layer) => [layer.digest, layer]))).values()];
}

interface Child {
  readonly platform: string;
  readonly digest: StoredImage['id'];
  readonly stored?: StoredImage;
}

async function childrenOf(image: StoredImage, layout: Layout): Promise<readonly Child[]> {
  const index = await layout.index(image);
  if (index === undefined) return [{ platform: formatPlatform(image.config), digest: image.id, stored: image }];
  const here = new Set(index.images.map(({ manifest }) => manifest.digest));
  const absent = index.index.manifests.flatMap((entry) =>
    here.has(entry.digest) || isAttestation(entry) || entry.platform === undefined
      ? []
      : [{ platform: formatPlatform(entry.platform), digest: entry.digest }],
  );
  const present = index.images.map((stored) => ({
    platform: formatPlatform(stored.platform),
    digest: stored.id,
    stored,
  }));
  return [...present, ...absent];
}
