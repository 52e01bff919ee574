import {
  formatReference,
  type ManifestSignatures,
  parseReference,
  RegistryClient,
  verifyInRegistry,
} from '@tsbuild/oci/node';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { signatureTable } from '../../output/signature-lines.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { verifierKeyAt } from '../../registry/signature-keys.ts';

/** Whether the named manifest or index is signed with the key; what it lists is shown, and need not be. */
export async function verifySignatures(
  name: string,
  keyPlace: string,
  { json }: { readonly json: boolean },
  host: Host,
): Promise<number> {
  const reference = parseReference(name);
  const key = verifierKeyAt(keyPlace, host);
  const client = new RegistryClient(await registryOptions(host));
  try {
    const manifests = await verifyInRegistry(client, reference, key, { signal: host.signal });
    const [{ isSigned, descriptor }] = manifests;
    if (json) {
      const document = { name: formatReference(reference), digest: descriptor.digest, isSigned, manifests };
      host.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    } else {
      const table = signatureTable(manifests, stateOf);
      const verdict = isSigned
        ? `Signed with ${keyPlace}: ${formatReference(reference)} is ${descriptor.digest}`
        : `Not signed with ${keyPlace}: ${formatReference(reference)}`;
      host.stdout.write(`${table}${sanitizeName(verdict)}\n`);
    }
    return isSigned ? EXIT_OK : EXIT_FAILED;
  } finally {
    client.close();
  }
}

function stateOf({ isSigned, refused }: ManifestSignatures): string {
  if (isSigned) return 'signed';
  return refused.length === 0 ? 'not signed' : `not signed; refused: ${refused.slice(0, 3).join('; ')}`;
}
