import { byteStringToUtf8, formatPlatform, isAttestation } from '@tsbuild/oci';
import { RootfsTree, type StoredImage } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Store } from '../store/store.ts';

/** The files of one image, and where they go. */
export interface PlatformFiles {
  readonly image: StoredImage;
  /** `linux_arm_v7` of several platforms; `''` for the place itself. */
  readonly directory: string;
  /** The platform (`linux_arm_v7`) of one of several that go to one place. */
  readonly merged?: string;
}

/**
 * Where the files of an image go: those of an index into a directory for each platform, unless `split` is false; then all go
 * into one, and no two may have the same file (BuildKit, exporter/local).
 * @throws BuildError `EXPORT_FAILED` naming the file that two have
 */
export async function platformFiles(
  image: StoredImage,
  { layout, indexes }: Store,
  split: boolean | undefined,
): Promise<readonly PlatformFiles[]> {
  const index = await layout.index(image);
  if (index === undefined) return [{ image, directory: '' }];
  const [only] = index.images;
  // An index that is there for what attests its image.
  if (only !== undefined && index.images.length === 1 && index.index.manifests.some(isAttestation)) {
    return [{ image: only, directory: '' }];
  }
  const each = index.images.map((member) => ({ image: member, platform: formatPlatform(member.platform) }));
  if (split !== false) {
    return each.map((member) => ({ image: member.image, directory: member.platform.replaceAll('/', '_') }));
  }
  const owners = new Map<string, string>();
  for (const { image: member, platform } of each) {
    const layers = await Promise.all(
      member.layers.map(async ({ digest }) => ({ info: { digest }, index: await indexes.get(digest) })),
    );
    for (const path of filesOf(new RootfsTree(layers))) {
      const owner = owners.get(path);
      if (owner !== undefined) throw conflict(path, [owner, platform]);
      owners.set(path, platform);
    }
  }
  return each.map(({ image: member, platform }) => ({
    image: member,
    directory: '',
    merged: platform.replaceAll('/', '_'),
  }));
}

/** Everything but directories, which several may have. */
function* filesOf(tree: RootfsTree): Generator<string, void, undefined> {
  const waiting = [...tree.list('')];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    if (entry.type === 'directory') waiting.push(...tree.list(entry.path));
    else yield entry.path;
  }
}

function conflict(path: string, [first, second]: readonly [string, string]): BuildError {
  const message = `cannot write /${byteStringToUtf8(path)} of ${second}: ${first} has it, too`;
  return new BuildError('EXPORT_FAILED', message, {
    hint: 'without platform-split=false each platform has a directory of its own',
  });
}
