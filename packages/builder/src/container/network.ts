import type { PortMapping } from '../container-state/container-config.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { findTool } from '../executor/host-tools.ts';
import type { NetworkConnection } from './network-connection.ts';
import { startPasta } from './network-pasta.ts';
import { startSlirp } from './network-slirp.ts';

/** True when this machine can give a container a network of its own. */
export function hasPrivateNetwork(): boolean {
  return findTool('pasta') !== undefined || findTool('slirp4netns') !== undefined;
}

/** What to say when it cannot. */
export function noPrivateNetwork(what: string): BuildError {
  return new BuildError('SANDBOX_UNAVAILABLE', `${what} needs pasta or slirp4netns, and neither is installed`, {
    hint: 'Install the package passt or slirp4netns, or use --network host, which exposes all ports directly.',
  });
}

/**
 * Connects the network namespace of process `pid` to the machine's network, with ports forwarded to it.
 * @throws BuildError `SANDBOX_UNAVAILABLE`, also for a port that is taken
 */
export function connectNetwork(
  pid: number,
  ports: readonly PortMapping[],
  directory: string,
): Promise<NetworkConnection> {
  const pasta = findTool('pasta');
  if (pasta !== undefined) return startPasta(pasta, pid, ports, directory);
  const slirp = findTool('slirp4netns');
  if (slirp !== undefined) return startSlirp(slirp, pid, ports, directory);
  throw noPrivateNetwork('a private network');
}
