import { blobContent, encodeStatement, indexAttestations, type InTotoStatement, utf8ToByteString } from '@tsbuild/oci';
import { RootfsTree, type StoredImage } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Store } from '../store/store.ts';
import type { PlatformFiles } from './platform-split.ts';

/** A file that is no image's. */
export interface StatementFile {
  /** From the place that the files of all images go to. */
  readonly path: string;
  readonly content: Uint8Array;
}

/**
 * The attestations of an image as files beside its own, as BuildKit's exporters name them: `provenance.json` and
 * `sbom.spdx.json` at the root of each platform.
 * @param placed the images of an index with their places
 * @throws BuildError `EXPORT_FAILED` when an image has a file of this name; OciError of reading the statements
 */
export async function attestationFiles(
  image: StoredImage,
  placed: readonly PlatformFiles[],
  store: Store,
  prefix = '',
): Promise<readonly StatementFile[]> {
  const stored = await store.layout.index(image);
  if (stored === undefined) return [];
  const files: StatementFile[] = [];
  const content = blobContent(store.layout.blobs);
  for (const { attested, statements } of await indexAttestations({ index: stored.index, content })) {
    const of = placed.find((one) => one.image.manifest.digest === attested);
    if (of === undefined) continue;
    const taken = new Set<string>();
    for (const { predicateType, read } of statements) {
      const kind = kindOf(predicateType);
      const name = kind && nameOf(kind, of, prefix);
      if (name === undefined || taken.has(name)) continue;
      taken.add(name);
      await checkFree(name, of, store);
      const path = of.directory === '' ? name : `${of.directory}/${name}`;
      files.push({ path, content: readable(await read()) });
    }
  }
  return files;
}

function kindOf(predicateType: string): 'provenance' | 'sbom.spdx' | undefined {
  if (predicateType === 'https://spdx.dev/Document') return 'sbom.spdx';
  return predicateType.startsWith('https://slsa.dev/provenance/') ? 'provenance' : undefined;
}

function nameOf(kind: string, { merged }: PlatformFiles, prefix: string): string {
  return `${prefix}${kind}${merged === undefined ? '' : `.${merged}`}.json`;
}

async function checkFree(name: string, { image }: PlatformFiles, { indexes }: Store): Promise<void> {
  const layers = await Promise.all(
    image.layers.map(async ({ digest }) => ({ info: { digest }, index: await indexes.get(digest) })),
  );
  if (new RootfsTree(layers).lookup(utf8ToByteString(name)) === undefined) return;
  throw new BuildError('EXPORT_FAILED', `cannot write the attestation ${name}: the image has a file /${name}, too`, {
    hint: 'put something before the names of attestations: attestation-prefix=build-',
  });
}

/** For people and their tools. */
function readable(statement: InTotoStatement): Uint8Array {
  const document: unknown = JSON.parse(new TextDecoder().decode(encodeStatement(statement)));
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}
