import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { generateKeyPair } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild image keygen`: a pair of keys for signatures of images. */
export const imageKeygenCommand = defineCommand({
  name: 'image keygen',
  synopsis: 'FILE',
  summary: 'Make a key pair that signs images',
  options: {
    type: {
      kind: 'value',
      placeholder: 'TYPE',
      describe: 'The algorithm (default ecdsa-p256, which every tool reads)',
      choices: ['ecdsa-p256', 'ed25519'],
    },
  },
  operands: { min: 1, max: 1, what: 'a FILE for the private key; FILE.pub gets the public one' },
  examples: [['tsbuild image keygen release.key', 'Write release.key, which stays secret, and release.key.pub']],
  async run({ options, operands: [file = ''] }, host) {
    const { privateKey, publicKey } = generateKeyPair(options.type === 'ed25519' ? 'ed25519' : 'ecdsa-p256');
    const path = resolve(host.cwd, file);
    // Neither half may stand alone.
    if (existsSync(`${path}.pub`))
      throw new CommandError(`cannot write ${file}.pub: it exists`, { hint: 'name a new file' });
    try {
      writeFileSync(path, privateKey, { mode: 0o600, flag: 'wx' });
      writeFileSync(`${path}.pub`, publicKey, { flag: 'wx' });
    } catch (cause) {
      const why = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' ? 'it exists' : String(cause);
      throw new CommandError(`cannot write ${file}: ${why}`, { hint: 'name a new file', cause });
    }
    host.stderr.write(`Keep ${file} secret; ${file}.pub is for those who verify.\n`);
    return EXIT_OK;
  },
});
