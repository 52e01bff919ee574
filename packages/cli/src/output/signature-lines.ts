import type { SignableManifest } from '@tsbuild/oci/node';
import { sanitizeName } from './sanitize.ts';
import { renderTable } from './table.ts';

/** What was signed, or is, one manifest a line: what it is, its digest, and how it stands. */
export function signatureTable<M extends SignableManifest>(
  manifests: readonly M[],
  stateOf: (manifest: M) => string,
): string {
  return renderTable(
    manifests.map((manifest) => [
      sanitizeName(manifestName(manifest)),
      manifest.descriptor.digest,
      sanitizeName(stateOf(manifest)),
    ]),
  );
}

function manifestName({ role, platform }: SignableManifest): string {
  if (role === 'index') return 'index';
  if (role === 'image') return platform ?? 'image';
  return `attestation${platform === undefined ? '' : ` of ${platform}`}`;
}
