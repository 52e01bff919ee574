import { resolve } from 'node:path';
import type { BuildResult } from '@tsbuild/builder';
import { platformOf } from '@tsbuild/oci/node';
import type { StoredImage } from '@tsbuild/oci/node';
import type { Host } from '../../host/host.ts';
import { writeOutputFile } from '@tsbuild/oci/internal';
import type { PushedImage } from './deliver.ts';

/**
 * Writes `--metadata-file`, with the keys of buildx. What was pushed has another digest than the manifest in the store, and
 * is what others can find, so it is told when there is one.
 */
export async function writeMetadata(
  { image, platforms, names, cache }: BuildResult,
  pushed: PushedImage | undefined,
  path: string | undefined,
  host: Host,
): Promise<void> {
  if (!path) return;
  const root = image.index?.descriptor ?? image.manifest;
  const { digest, size } = pushed ?? root;
  const shown = names.length > 0 ? names : (pushed?.names ?? []);
  const metadata = {
    ...(image.index === undefined ? { 'containerimage.config.digest': image.id } : {}),
    'containerimage.descriptor': {
      mediaType: root.mediaType,
      digest,
      size,
      ...(image.index === undefined ? { platform: platformOf(image.config) } : {}),
    },
    'containerimage.digest': digest,
    ...(shown.length > 0 ? { 'image.name': shown.join(',') } : {}),
    // Buildx tells of several platforms by their index alone.
    ...(image.index === undefined ? {} : { 'tsbuild.platforms': platforms.map(({ image: of }) => platformEntry(of)) }),
    ...provenances(platforms),
    ...(cache === undefined ? {} : { 'tsbuild.cache': cache }),
  };
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  await writeOutputFile(resolve(host.cwd, path), (sink) => sink(Buffer.from(text)), host.signal);
}

/** As buildx names them: of several platforms each by its own. The predicate is the one that is attested. */
function provenances(platforms: BuildResult['platforms']): Readonly<Record<string, unknown>> {
  const entries = platforms.flatMap(({ platform, statements = [] }) => {
    const found = statements.find(({ predicateType }) => predicateType.startsWith('https://slsa.dev/provenance/'));
    const suffix = platforms.length > 1 ? `/${platform}` : '';
    return found === undefined ? [] : [[`buildx.build.provenance${suffix}`, found.predicate] as const];
  });
  return Object.fromEntries(entries);
}

/** An image of an index, with the keys that it would have alone. */
function platformEntry(image: StoredImage) {
  const { mediaType, digest, size } = image.manifest;
  return {
    'containerimage.config.digest': image.id,
    'containerimage.descriptor': { mediaType, digest, size, platform: platformOf(image.config) },
    'containerimage.digest': digest,
  };
}
