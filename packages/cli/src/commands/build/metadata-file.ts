import { resolve } from 'node:path';
import type { BuildResult } from '@tsbuild/builder';
import type { Host } from '../../host/host.ts';
import { writeOutputFile } from '@tsbuild/oci/internal';
import type { PushedImage } from './deliver.ts';

/**
 * Writes `--metadata-file`, with the keys of buildx. What was pushed has another digest than the manifest in the store, and
 * is what others can find, so it is told when there is one.
 */
export async function writeMetadata(
  { image, names, cache }: BuildResult,
  pushed: PushedImage | undefined,
  path: string | undefined,
  host: Host,
): Promise<void> {
  if (!path) return;
  const { mediaType } = image.manifest;
  const { digest, size } = pushed ?? image.manifest;
  const shown = names.length > 0 ? names : (pushed?.names ?? []);
  const { os, architecture, variant } = image.config;
  const metadata = {
    'containerimage.config.digest': image.id,
    'containerimage.descriptor': {
      mediaType,
      digest,
      size,
      platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
    },
    'containerimage.digest': digest,
    ...(shown.length > 0 ? { 'image.name': shown.join(',') } : {}),
    ...(cache === undefined ? {} : { 'tsbuild.cache': cache }),
  };
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  await writeOutputFile(resolve(host.cwd, path), (sink) => sink(Buffer.from(text)), host.signal);
}
