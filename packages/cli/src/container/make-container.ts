import { resolve } from 'node:path';
import { type Container, createContainer, type Store } from '@tsbuild/builder';
import type { StoredImage } from '@tsbuild/oci/node';
import { IdFile } from './id-file.ts';
import type { Host } from '../host/host.ts';
import { sanitizeName } from '../output/sanitize.ts';
import type { CreateFlags, createOptions } from './create-options.ts';
import { registryOptions } from '../registry/registry-config.ts';
import { findOrPullImage } from './find-image.ts';

/**
 * Makes a container, and brings its image in first; what is to be said about it is a warning. `check` looks at the image before
 * anything is made.
 * @throws as all of them do
 */
export async function makeContainer(
  wanted: ReturnType<typeof createOptions>,
  choice: Pick<CreateFlags, 'platform' | 'pull' | 'quiet' | 'cidfile'>,
  store: Store,
  host: Host,
  check: (image: StoredImage) => Promise<void> = async () => {},
): Promise<Container> {
  using idFile = choice.cidfile === undefined ? undefined : new IdFile(resolve(host.cwd, choice.cidfile));
  await findOrPullImage(wanted.image, store, choice, host);
  const { platform } = wanted;
  await check(await store.layout.resolve(wanted.image, platform === undefined ? {} : { platform }));
  const notice = (text: string): void => void host.stderr.write(`WARNING: ${sanitizeName(text)}\n`);
  const container = await createContainer(wanted, store, {
    notice,
    signal: host.signal,
    registry: () => registryOptions(host),
  });
  idFile?.write(container.id);
  return container;
}
