import type { Target } from './target.ts';
import { apply } from './targets/apply.ts';
import { loadArchives, readArchives } from './targets/archives.ts';
import { sigstoreBundle } from './targets/bundle.ts';
import { gzip, gzipWriter, zstd } from './targets/compression.ts';
import { differ } from './targets/differ.ts';
import { dockerConfig, imageConfig, imageIndex, jsonEdit, manifest, platform, reference } from './targets/documents.ts';
import { headers, proxy } from './targets/headers.ts';
import { layerIndex, layerReader } from './targets/layers.ts';
import { packageTargets } from './targets/packages.ts';
import { inRoot } from './targets/resolve.ts';
import { tarOracle } from './targets/tar-oracle.ts';
import { tarReader, tarWriter } from './targets/tar.ts';

/** The parsers of `@tsbuild/oci`. */
export const OCI_TARGETS: readonly Target[] = [
  [tarReader, tarWriter, tarOracle, layerReader, layerIndex, differ, apply, inRoot, gzip, gzipWriter, zstd],
  [manifest, imageIndex, imageConfig, jsonEdit, reference, platform, dockerConfig, headers, proxy],
  [loadArchives, readArchives, sigstoreBundle],
  packageTargets,
].flat();
