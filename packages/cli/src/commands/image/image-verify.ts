import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { progressOption } from '../../output/open-progress.ts';
import { buildOptionTable } from '../build/build-options.ts';

const { file, target, platform, label, secret, ssh, network, ulimit, allow, isolation, jobs } = buildOptionTable;

/** `tsbuild image verify`: who signed an image; or whether a checkout is what it was built from, and builds it again. */
export const imageVerifyCommand = defineCommand({
  name: 'image verify',
  synopsis: 'NAME[:TAG|@DIGEST] [CONTEXT]',
  summary:
    'Verify that a checkout (default .) is what an image was built from, or with --key that an image in a registry is signed. Exits 0 if so, 1 if not, and 2 if that cannot be told',
  options: {
    key: {
      kind: 'value',
      placeholder: 'FILE',
      describe: 'Verify signatures with this public key: PEM in a file or env://VARIABLE, or ed25519:… itself',
    },
    rebuild: { kind: 'flag', describe: 'Also run every step again, and compare what it makes with the image' },
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'Output format', choices: ['text', 'json'] },
    progress: progressOption,
    file,
    'build-arg': buildOptionTable['build-arg'],
    'build-context': buildOptionTable['build-context'],
    target,
    platform,
    label,
    secret,
    ssh,
    network,
    'add-host': buildOptionTable['add-host'],
    'shm-size': buildOptionTable['shm-size'],
    ulimit,
    allow,
    isolation,
    jobs,
  },
  operands: { min: 1, max: 2, what: 'the NAME of one image, and perhaps a CONTEXT' },
  examples: [
    ['tsbuild image verify --key release.key.pub ghcr.io/me/my-app:1.2', 'Is it signed?'],
    ['tsbuild image verify my-app .', 'Is this directory what my-app was built from? Runs nothing'],
    ['tsbuild image verify --rebuild my-app .', 'And does it build to the same files again?'],
  ],
  async run({ options, operands: [name = '', context], settings }, host) {
    if (options.key === undefined) {
      const { verifyCheckoutOf } = await import('./verify-checkout.ts');
      return await verifyCheckoutOf(name, context ?? '.', { options, settings }, host);
    }
    if (context !== undefined || options.rebuild) {
      throw new UsageError(`--key and ${options.rebuild ? '--rebuild' : 'a CONTEXT'} cannot be used together`, {
        hint: 'verify the signature, then the checkout',
        command: 'image verify',
      });
    }
    const { verifySignatures } = await import('./verify-signatures.ts');
    return await verifySignatures(name, options.key, { json: options.format === 'json' }, host);
  },
});
