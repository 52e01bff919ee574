import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { endingWithUs } from '../executor/death-signal.ts';
import { requireTool } from '../executor/host-tools.ts';
import type { PortMapping } from '../container-state/container-config.ts';
import type { NetworkConnection } from './network-connection.ts';
import { untilConnected } from './until-connected.ts';

/*
 * pasta gives up the right to look into other processes before it opens the namespace: it gets it as a file, in a mount
 * namespace of its own.
 */
const SCRIPT = `"$MOUNT" -n --bind "/proc/$PID/ns/net" "$FILE"
exec "$@"`;

/** Connects a network namespace by pasta (package passt), which ends with this process. */
export async function startPasta(
  program: string,
  pid: number,
  ports: readonly PortMapping[],
  directory: string,
): Promise<NetworkConnection> {
  const file = join(directory, 'netns');
  writeFileSync(file, '', { mode: 0o600 });
  const [command, args] = endingWithUs([
    requireTool('unshare'), '--mount', '--propagation', 'private', '--',
    '/bin/sh', '-euc', SCRIPT, 'pasta', program,
    '--foreground', '--quiet', '--config-net', '--no-map-gw',
    ...forwards(ports, 'tcp', '-t'), ...forwards(ports, 'udp', '-u'), '-T', 'none', '-U', 'none',
    '--runas', '0', '--netns', file, '--netns-only',
  ]); // biome-ignore format: one option with its value
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C', MOUNT: requireTool('mount', 'mount'), PID: String(pid), FILE: file },
    detached: true,
  });
  return untilConnected(child, pid);
}

function forwards(ports: readonly PortMapping[], protocol: 'tcp' | 'udp', option: string): readonly string[] {
  const own = ports.filter((port) => port.protocol === protocol);
  if (own.length === 0) return [option, 'none'];
  return own.flatMap(({ address, hostPort, containerPort }) => [
    option,
    `${address === '' ? '' : `${address}/`}${hostPort}:${containerPort}`,
  ]);
}
