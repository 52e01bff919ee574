import type { CredentialSource } from './credential.ts';

/** The path of Docker's client configuration: `config.json` in `$DOCKER_CONFIG` or `~/.docker`. */
export function dockerConfigPath(_environment: Readonly<Record<string, string | undefined>> = process.env): string {
  throw new Error('not written yet');
}

/** Credentials as `docker login` keeps them. */
export function dockerCredentials(_options: {
  readonly configPath?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
} = {}): CredentialSource {
  throw new Error('not written yet');
}
