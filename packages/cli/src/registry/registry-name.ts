/** What docker calls its own registry where credentials are kept. */
const DOCKER_SERVER = 'https://index.docker.io/v1/';

/** All names of Docker's own registry are `docker.io`; every other name is itself. */
export function canonicalRegistry(host: string): string {
  return ['index.docker.io', 'registry-1.docker.io', 'docker.io'].includes(host.toLowerCase()) ? 'docker.io' : host;
}

/**
 * The registry that a SERVER of `login` and `logout` means: docker's own when there is none, else the host, without what
 * people leave around it (`https://ghcr.io/v2/`). Undefined for what holds no host.
 */
export function registryOfServer(server: string | undefined): string | undefined {
  if (!server) return 'docker.io';
  const [host = ''] = server.replace(/^https?:\/\//i, '').split('/');
  return /^(?:[\w.-]+|\[[\da-f:]+\])(?::\d{1,5})?$/i.test(host) ? canonicalRegistry(host) : undefined;
}

/** A registry as docker names it to people who log in. */
export function shownServer(registry: string): string {
  return registry === 'docker.io' ? DOCKER_SERVER : registry;
}
