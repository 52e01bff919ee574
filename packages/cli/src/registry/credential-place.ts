import { readFile } from 'node:fs/promises';
import { canonicalRegistry, shownServer } from './registry-name.ts';

/**
 * The program that keeps a registry's credential, by docker's configuration: `docker-credential-…`; undefined where the
 * configuration file itself does. Says where a credential went or is; it is the image library that puts it there.
 */
export async function credentialHelper(registry: string, configPath: string): Promise<string | undefined> {
  const config = await readObject(configPath);
  const helpers = objectOf(config['credHelpers']);
  const own = Object.keys(helpers).find((key) => {
    const host = key.replace(/^https?:\/\//i, '').split('/')[0] ?? '';
    return key === shownServer(registry) || canonicalRegistry(host.toLowerCase()) === registry.toLowerCase();
  });
  const helper = (own === undefined ? undefined : helpers[own]) || config['credsStore'];
  return typeof helper === 'string' && helper !== '' ? `docker-credential-${helper}` : undefined;
}

async function readObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return objectOf(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // Missing is empty; a damaged file is refused by those who need what is in it.
    return {};
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
