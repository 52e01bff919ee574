import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { generateSigningKey } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild cache keygen`: a key that vouches for what a trusted job shares. */
export const cacheKeygenCommand = defineCommand({
  name: 'cache keygen',
  synopsis: '[FILE]',
  summary: 'Make a key pair that signs the records of a shared cache',
  options: {},
  operands: { min: 0, max: 1, what: 'file' },
  examples: [
    ['tsbuild cache keygen cache-key.pem', 'Write the private key to a new file, and print the public one'],
    ['tsbuild cache keygen', 'Print both'],
  ],
  async run({ operands }, host) {
    const { pem, publicKey, kid } = generateSigningKey();
    const [file] = operands;
    if (file === undefined) host.stdout.write(pem);
    else {
      try {
        writeFileSync(resolve(host.cwd, file), pem, { mode: 0o600, flag: 'wx' });
      } catch (cause) {
        const why = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' ? 'it exists' : String(cause);
        throw new CommandError(`cannot write ${file}: ${why}`, { hint: 'name a new file', cause });
      }
    }
    host.stdout.write(`${publicKey}\n`);
    host.stderr.write(
      `Key ${kid}. Trusted jobs sign with TSBUILD_CACHE_KEY_FILE=${file ?? 'FILE'}; all others set TSBUILD_CACHE_TRUSTED=${publicKey}\n`,
    );
    return EXIT_OK;
  },
});
