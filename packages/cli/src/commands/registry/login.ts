import {
  type Credential,
  RegistryClient,
  type RegistryOptions,
  dockerConfigPath,
  dockerCredentials,
  saveCredential,
} from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { credentialHelper } from '../../registry/credential-place.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { shownServer } from '../../registry/registry-name.ts';
import { type LoginFlags, askCredential, givenCredential } from './login-credential.ts';
import { registryOperand } from './registry-operand.ts';

/** `tsbuild login`: keeps a registry's credential where docker keeps it, once the registry has taken it. */
export const loginCommand = defineCommand({
  name: 'login',
  synopsis: '[SERVER]',
  summary: 'Log in to a registry',
  options: {
    username: { kind: 'value', short: 'u', placeholder: 'USER', describe: 'The user name; asked for without it' },
    'password-stdin': { kind: 'flag', describe: 'Read the password from standard input' },
    password: {
      kind: 'value',
      short: 'p',
      placeholder: 'PASSWORD',
      describe: 'The password, visible to other users; prefer --password-stdin',
    },
  },
  operands: { min: 0, max: 1, what: "one SERVER, a registry's host (default: docker.io)" },
  examples: [
    ['tsbuild login ghcr.io', 'Ask for name and password, or use what is kept'],
    ['pass ghcr | tsbuild login -u me --password-stdin ghcr.io', 'For scripts'],
  ],
  async run({ options, operands }, host) {
    const registry = registryOperand(operands[0], 'login');
    const reach = await registryOptions(host);
    const configPath = dockerConfigPath(host.env);
    const given = await givenCredential(options, host);
    if (given === undefined && (await knownCredentialWorks(registry, options, reach, host))) return EXIT_OK;
    const credential = given ?? (await askCredential(options, host));
    await check(registry, credential, reach, host.signal);
    await saveCredential(registry, credential, configPath);
    host.stderr.write(await whereItIs(registry, configPath));
    host.stdout.write('Login Succeeded\n');
    return EXIT_OK;
  },
});

/** Without name and password docker tries what it keeps before it asks. */
async function knownCredentialWorks(
  registry: string,
  flags: LoginFlags,
  reach: RegistryOptions,
  host: Host,
): Promise<boolean> {
  if (flags.username !== undefined) return false;
  const known = await dockerCredentials({ environment: host.env })(registry, undefined, host.signal);
  if (known === undefined) return false;
  host.stderr.write('Authenticating with existing credentials...\n');
  try {
    await check(registry, known, reach, host.signal);
  } catch (error) {
    // What is kept is not good any more: the person is asked, if there is one.
    if (!(error instanceof CommandError) || host.stdin.isTTY !== true) throw error;
    host.stderr.write(`${error.message}\n`);
    return false;
  }
  host.stdout.write('Login Succeeded\n');
  return true;
}

async function check(
  registry: string,
  credential: Credential,
  reach: RegistryOptions,
  signal: AbortSignal,
): Promise<void> {
  const client = new RegistryClient({ ...reach, credentials: async () => credential });
  try {
    await client.checkAccess(registry, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'REGISTRY_DENIED')) throw error;
    throw new CommandError(`${shownServer(registry)} did not accept the user name and password`, {
      hint: 'nothing was stored; many registries require an access token instead of the password',
      cause: error,
    });
  } finally {
    client.close();
  }
}

async function whereItIs(registry: string, configPath: string): Promise<string> {
  const helper = await credentialHelper(registry, configPath);
  if (helper !== undefined) return `Your credentials are kept by ${sanitizeName(helper)}.\n`;
  return [
    `WARNING! Your credentials are stored unencrypted in '${sanitizeName(configPath)}'.`,
    'Set "credsStore" there to a credential helper to remove this warning, e.g. "pass" for',
    'docker-credential-pass.',
    '',
  ].join('\n');
}
