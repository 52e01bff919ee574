import { pullImage, type Store } from '@tsbuild/builder';
import { formatReference, OciError, parseReference } from '@tsbuild/oci/node';
import type { Host } from '../host/host.ts';
import { openProgress } from '../output/open-progress.ts';
import { sanitizeName } from '../output/sanitize.ts';
import { registryOptions } from '../registry/registry-config.ts';

/** Brings the image of a container in, when it is not in the store. @throws OciError of the registry, or `IMAGE_NOT_FOUND` */
export async function findOrPullImage(
  name: string,
  store: Store,
  choice: { readonly platform: string | undefined; readonly pull: string | undefined },
  host: Host,
): Promise<void> {
  const { platform, pull = 'missing' } = choice;
  if (pull !== 'always' && (await store.layout.find(name)) !== undefined) return;
  if (pull === 'never') throw new OciError('IMAGE_NOT_FOUND', `No such image: ${name}`);
  const reference = parseReference(name);
  if (pull !== 'always') host.stderr.write(`Unable to find image '${sanitizeName(shown(name))}' locally\n`);
  const registry = await registryOptions(host);
  const progress = openProgress({ progress: undefined, quiet: false }, host, { running: 'Pulling', done: 'Pulled in' });
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

function shown(name: string): string {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}
