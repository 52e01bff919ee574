import { realpath } from 'node:fs/promises';
import { writeFileAtomic } from '../processes/atomic-file.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Field } from '../spec/json-document.ts';
import { unwritable } from '../processes/store-errors.ts';
import type { Credential } from './credential.ts';
import { eraseWithHelper, serverUrl, storeWithHelper } from './credential-helper.ts';
import { dockerConfigPath, helperFor, isKeyOf, readDockerConfig } from './docker-config.ts';

type Json = Record<string, unknown>;

/**
 * Keeps a registry's credential as `docker login` does: with the helper that is configured, else in `config.json`, which is
 * replaced atomically, readable by its owner only (0600), all other settings kept.
 * @throws OciError `REGISTRY_CREDENTIALS`, `STORE_UNWRITABLE`
 */
export async function saveCredential(
  host: string,
  credential: Credential,
  configPath = dockerConfigPath(),
): Promise<void> {
  if ('username' in credential && credential.username?.includes(':') === true) {
    throw new OciError('REGISTRY_CREDENTIALS', 'a user name cannot contain a colon', { fields: { registry: host } });
  }
  const config = await readDockerConfig(configPath);
  const helper = config === undefined ? undefined : helperFor(config, host);
  if (helper !== undefined) await storeWithHelper(helper, host, credential);
  // An empty entry tells `docker logout` and people that a helper has it.
  const entry = helper === undefined ? entryOf(credential) : {};
  const settings = settingsOf(config);
  const auths = { ...authsOf(config) };
  for (const key of Object.keys(auths)) if (isKeyOf(key, host)) delete auths[key];
  await write(configPath, { ...settings, auths: { ...auths, [serverUrl(host)]: entry } });
}

/**
 * Forgets a registry's credential as `docker logout` does, in the helper and in the file; false when there was none in
 * the file.
 * @throws OciError `REGISTRY_CREDENTIALS`, `STORE_UNWRITABLE`
 */
export async function removeCredential(host: string, configPath = dockerConfigPath()): Promise<boolean> {
  const config = await readDockerConfig(configPath);
  if (config === undefined) return false;
  const helper = helperFor(config, host);
  if (helper !== undefined) await eraseWithHelper(helper, host);
  const auths = authsOf(config);
  const kept = Object.entries(auths).filter(([key]) => !isKeyOf(key, host));
  if (kept.length === Object.keys(auths).length) return false;
  await write(configPath, { ...settingsOf(config), auths: Object.fromEntries(kept) });
  return true;
}

function settingsOf(config: Field | undefined): Readonly<Json> {
  return config?.record() ?? {};
}

function authsOf(config: Field | undefined): Readonly<Json> {
  const auths = config?.member('auths');
  return auths?.present === true ? auths.record() : {};
}

function entryOf(credential: Credential): Json {
  const pair = `${credential.username ?? ''}:${'password' in credential ? credential.password : ''}`;
  const auth = Buffer.from(pair).toString('base64');
  if (!('identityToken' in credential)) return { auth };
  return { ...(credential.username !== undefined && { auth }), identitytoken: credential.identityToken };
}

async function write(path: string, settings: Json): Promise<void> {
  try {
    // Some keep their settings elsewhere and link to them; the link stays one.
    const target = await realpath(path).catch(() => path);
    await writeFileAtomic(target, `${JSON.stringify(settings, null, '\t')}\n`, {
      mode: 0o600,
      directoryMode: 0o700,
    });
  } catch (error) {
    throw unwritable(path, error);
  }
}
