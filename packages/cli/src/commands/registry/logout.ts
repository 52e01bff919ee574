import { dockerConfigPath, removeCredential } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { credentialHelper } from '../../registry/credential-place.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { shownServer } from '../../registry/registry-name.ts';
import { registryOperand } from './registry-operand.ts';

/** `tsbuild logout`: forgets a registry's credential, in docker's configuration and in the helper that it names. */
export const logoutCommand = defineCommand({
  name: 'logout',
  synopsis: '[SERVER]',
  summary: 'Log out of a registry',
  options: {},
  operands: { min: 0, max: 1, what: "one SERVER, a registry's host (default: docker.io)" },
  examples: [['tsbuild logout ghcr.io', 'Forget the password for ghcr.io']],
  async run({ operands }, host) {
    const registry = registryOperand(operands[0], 'logout');
    const configPath = dockerConfigPath(host.env);
    const helper = await credentialHelper(registry, configPath);
    const removed = await removeCredential(registry, configPath);
    // A helper does not tell whether it had something to forget.
    const known = removed || helper !== undefined;
    const server = sanitizeName(shownServer(registry));
    host.stdout.write(known ? `Removing login credentials for ${server}\n` : `Not logged in to ${server}\n`);
    return EXIT_OK;
  },
});
