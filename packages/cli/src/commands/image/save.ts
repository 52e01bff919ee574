import {
  type Layout,
  type Reference,
  type StoredImage,
  formatReference,
  parsePlatform,
  parseReference,
  writeArchive,
} from '@tsbuild/oci/node';
import { archiveOption, archiveOutput } from '../../output/archive-output.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { bringMissingLayers } from '../../store/bring-layers.ts';
import { platformOption, withoutIndex } from '../../store/find-image.ts';
import { openLayout } from '../../store/open-layout.ts';
import { namesVersion } from './names-version.ts';

/** `tsbuild save`: images as an archive that every engine loads. */
export const saveCommand = defineCommand({
  name: 'save',
  synopsis: 'IMAGE [IMAGE…]',
  summary: 'Write images to an archive that docker load accepts',
  options: {
    output: archiveOption,
    platform: platformOption,
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one IMAGE or more' },
  examples: [
    ['tsbuild save my-app | docker load', 'Hand an image to a Docker engine'],
    ['tsbuild save -o images.tar my-app other:1.2', 'Two images in one file'],
    ['tsbuild save --platform linux/arm64 -o arm64.tar my-app', 'One platform of a multi-platform image'],
  ],
  async run({ options, operands, settings }, host) {
    const output = archiveOutput(options.output, 'save', host, 'tsbuild save … | docker load');
    const layout = await openLayout(settings.root);
    const images: StoredImage[] = [];
    for (const name of operands) images.push(...(await imagesToSave(layout, name, options.platform)));
    const members = await Promise.all(images.map((image) => layout.members(image)));
    await bringMissingLayers(members.flat(), layout, host);
    await output((_, sink) => writeArchive(images, layout.blobs, sink));
    return EXIT_OK;
  },
});

/**
 * What one word of the command line means to `docker save`: a name with a tag is that name only, a repository all of its
 * tags, an ID the image without names.
 */
async function imagesToSave(
  layout: Layout,
  name: string,
  platform: string | undefined,
): Promise<readonly StoredImage[]> {
  const wanted = referenceOf(name);
  if (wanted !== undefined && !namesVersion(name)) {
    const tagged = (await imagesOfRepository(layout, wanted)).flatMap(({ names }) => names.map(formatReference));
    const saved = await Promise.all(tagged.map((tag) => imagesToSave(layout, tag, platform)));
    if (tagged.length > 0) return saved.flat();
  }
  const image =
    platform === undefined
      ? await layout.resolve(name)
      : withoutIndex(await layout.resolve(name, { platform: parsePlatform(platform) }));
  const named =
    wanted === undefined ? [] : image.names.filter((known) => formatReference(known) === formatReference(wanted));
  return [{ ...image, names: named }];
}

async function imagesOfRepository(
  layout: Layout,
  { registry, repository }: Reference,
): Promise<readonly StoredImage[]> {
  const images = await layout.images();
  return images.flatMap((image) => {
    const names = image.names.filter((name) => name.registry === registry && name.repository === repository);
    return names.length === 0 ? [] : [{ ...image, names }];
  });
}

/** Undefined for what can only be an ID. */
function referenceOf(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}
