import { spawn } from 'node:child_process';
import { BuildError } from '../errors.ts';
import { requireTool, SYSTEM_PATH } from '../executor/host-tools.ts';
import type { PortMapping } from './container-config.ts';
import type { NetworkConnection } from './network-connection.ts';
import { networkReady } from './network-ready.ts';

/** Connects a network namespace by pasta (package passt), which ends with this process. */
export async function startPasta(
  program: string,
  pid: number,
  ports: readonly PortMapping[],
): Promise<NetworkConnection> {
  const args = [
    '--pdeathsig', 'KILL', program,
    '--foreground', '--quiet', '--config-net', '--no-map-gw',
    ...forwards(ports, 'tcp', '-t'), ...forwards(ports, 'udp', '-u'), '-T', 'none', '-U', 'none',
    ...(process.getuid?.() === 0 ? ['--runas', '0'] : []),
    '--netns', `/proc/${pid}/ns/net`, '--netns-only',
  ]; // biome-ignore format: one option with its value
  const child = spawn(requireTool('setpriv'), args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    detached: true,
  });
  let said = '';
  let over = false;
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  void ended.then(() => (over = true));
  if (!(await networkReady(pid, () => over))) {
    const reason = said.trim().split('\n').at(-1) ?? '';
    throw new BuildError('SANDBOX_UNAVAILABLE', `cannot connect the container's network: ${reason}`);
  }
  return { close: () => void child.kill('SIGKILL') };
}

function forwards(ports: readonly PortMapping[], protocol: 'tcp' | 'udp', option: string): readonly string[] {
  const own = ports.filter((port) => port.protocol === protocol);
  if (own.length === 0) return [option, 'none'];
  return own.flatMap(({ address, hostPort, containerPort }) => [
    option,
    `${address === '' ? '' : `${address}/`}${hostPort}:${containerPort}`,
  ]);
}
