import { pullImage, type Store } from '@tsbuild/builder';
import {
  formatPlatform,
  formatReference,
  OciError,
  parsePlatform,
  parseReference,
  type Platform,
  platformFit,
} from '@tsbuild/oci/node';
import type { StoredImage } from '@tsbuild/oci/node';
import type { Host } from '../host/host.ts';
import { openProgress } from '../output/open-progress.ts';
import { sanitizeName } from '../output/sanitize.ts';
import { tellFirst } from '../store/find-image.ts';
import { registryOptions } from '../registry/registry-config.ts';

/** Brings the image of a container in, when it is not in the store. @throws OciError of the registry, or `IMAGE_NOT_FOUND` */
export async function findOrPullImage(
  name: string,
  store: Store,
  choice: { readonly platform: string | undefined; readonly pull: string | undefined; readonly quiet: boolean },
  host: Host,
): Promise<void> {
  const { platform, pull = 'missing' } = choice;
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  if (pull !== 'always') {
    const stored = await store.layout.find(name);
    const members = stored === undefined ? [] : await store.layout.members(stored);
    if (stored !== undefined && members.some((member) => runsOn(member, wanted))) {
      if (wanted === undefined) tellFirst(name, stored, host);
      return;
    }
    if (pull === 'never') throw stored === undefined ? notThere(name) : otherPlatform(name, stored, wanted);
  }
  const reference = parseReference(name);
  if (pull !== 'always') host.stderr.write(`Unable to find image '${sanitizeName(shown(name))}' locally\n`);
  const registry = await registryOptions(host);
  const progress = openProgress({ progress: undefined, quiet: choice.quiet }, host, {
    running: 'Pulling',
    done: 'Pulled in',
  });
  try {
    await pullImage(formatReference(reference), {
      store,
      registry,
      reporter: progress.reporter,
      signal: host.signal,
      ...(platform === undefined ? {} : { platform }),
    });
    progress.close('done');
  } catch (error) {
    progress.close('failed');
    throw error;
  }
}

function runsOn({ config }: StoredImage, wanted: Platform | undefined): boolean {
  return wanted === undefined || platformFit(wanted, config) > 0;
}

function notThere(name: string): OciError {
  return new OciError('IMAGE_NOT_FOUND', `No such image: ${name}`);
}

/** Another platform's image under the name is not the one that was asked for, and must not be run in its place. */
function otherPlatform(name: string, { config }: StoredImage, wanted: Platform | undefined): OciError {
  const found = `image with reference ${name} was found but does not match the specified platform`;
  const words = `wanted ${wanted === undefined ? '' : formatPlatform(wanted)}, actual: ${formatPlatform(config)}`;
  return new OciError('IMAGE_NOT_FOUND', `${found}: ${words}`);
}

function shown(name: string): string {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}
