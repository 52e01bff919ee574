import type { Credential } from './credential.ts';

/** Keeps a credential as `docker login` does. */
export async function saveCredential(_host: string, _credential: Credential, _configPath?: string): Promise<void> {
  throw new Error('not written yet');
}

/** Forgets a credential as `docker logout` does; false when there was none. */
export async function removeCredential(_host: string, _configPath?: string): Promise<boolean> {
  throw new Error('not written yet');
}
