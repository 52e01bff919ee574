import { formatReference, parseReference, RegistryClient, signInRegistry } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { signatureTable } from '../../output/signature-lines.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { signerKeyAt, signingTime } from '../../registry/signature-keys.ts';

/** `tsbuild image sign`: signatures beside an image in its registry. */
export const imageSignCommand = defineCommand({
  name: 'image sign',
  synopsis: 'NAME[:TAG|@DIGEST]',
  summary: 'Sign an image in a registry with a private key',
  options: {
    key: {
      kind: 'value',
      placeholder: 'FILE',
      describe: 'The private key: PEM, ECDSA P-256 or ed25519, in a file or env://VARIABLE',
    },
    quiet: { kind: 'flag', short: 'q', describe: 'Print only the digest of what the name means' },
  },
  operands: { min: 1, max: 1, what: 'the NAME of one image in a registry' },
  examples: [
    ['tsbuild image sign --key release.key ghcr.io/me/my-app:1.2', 'Sign the index, its images and attestations'],
    ['tsbuild image sign --key env://SIGNING_KEY ghcr.io/me/my-app@sha256:…', 'In CI: exactly what was pushed'],
  ],
  async run({ options, operands: [name = ''] }, host) {
    if (options.key === undefined)
      throw new UsageError('tsbuild image sign needs --key FILE', { command: 'image sign' });
    const reference = parseReference(name);
    const key = signerKeyAt(options.key, host);
    const client = new RegistryClient(await registryOptions(host));
    try {
      const created = signingTime(host);
      const signed = await signInRegistry(client, reference, key, { created, signal: host.signal });
      const [named] = signed;
      if (options.quiet) host.stdout.write(`${named?.descriptor.digest ?? ''}\n`);
      else {
        const table = signatureTable(signed, ({ signature }) =>
          signature === undefined ? 'was signed already' : 'signed',
        );
        host.stdout.write(`${formatReference(reference)}\n${table}`);
      }
      return EXIT_OK;
    } finally {
      client.close();
    }
  },
});
