import { type Container, createContainer, type Store } from '@tsbuild/builder';
import type { Host } from '../host/host.ts';
import { sanitizeName } from '../output/sanitize.ts';
import type { CreateFlags, createOptions } from './create-options.ts';
import { findOrPullImage } from './find-image.ts';

/** Makes a container, and brings its image in first; what is to be said about it is a warning. @throws as both do */
export async function makeContainer(
  wanted: ReturnType<typeof createOptions>,
  choice: Pick<CreateFlags, 'platform' | 'pull'>,
  store: Store,
  host: Host,
): Promise<Container> {
  await findOrPullImage(wanted.image, store, choice, host);
  const notice = (text: string): void => void host.stderr.write(`WARNING: ${sanitizeName(text)}\n`);
  return createContainer(wanted, store, { notice, signal: host.signal });
}
