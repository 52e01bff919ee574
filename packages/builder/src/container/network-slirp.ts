import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import type { PortMapping } from '../container-state/container-config.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { endingWithUs } from '../executor/death-signal.ts';
import type { NetworkConnection } from './network-connection.ts';
import { untilConnected } from './until-connected.ts';

const SOCKET = 'slirp.sock';
const O_PATH = 0o10000000;

/** Connects a network namespace by slirp4netns, which ends with this process. */
export async function startSlirp(
  program: string,
  pid: number,
  ports: readonly PortMapping[],
  directory: string,
): Promise<NetworkConnection> {
  const socket = join(directory, SOCKET);
  rmSync(socket, { force: true });
  const [command, args] = endingWithUs([
    program, '--configure', '--mtu=65520', '--disable-host-loopback',
    // Relative to its working directory: a socket's path must be short.
    `--api-socket=${SOCKET}`, String(pid), 'tap0',
  ]); // biome-ignore format: one option with its value
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    cwd: directory,
    detached: true,
  });
  const connection = await untilConnected(child, pid);
  try {
    for (const port of ports) await forward(directory, port);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

async function forward(directory: string, { protocol, address, hostPort, containerPort }: PortMapping): Promise<void> {
  const request = {
    execute: 'add_hostfwd',
    arguments: { proto: protocol, host_addr: address || '0.0.0.0', host_port: hostPort, guest_port: containerPort },
  };
  const reply = JSON.parse(await ask(directory, JSON.stringify(request))) as { error?: { desc?: string } };
  if (reply.error === undefined) return;
  throw new BuildError(
    'SANDBOX_UNAVAILABLE',
    `cannot map port ${hostPort}: ${reply.error.desc ?? 'slirp4netns refused'}`,
    {
      hint: 'Is the port taken? Ports below 1024 need root.',
    },
  );
}

async function ask(directory: string, request: string): Promise<string> {
  const fd = openSync(directory, O_PATH | constants.O_DIRECTORY);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await exchange(`/proc/self/fd/${fd}/${SOCKET}`, request);
      } catch (error) {
        if (attempt > 200) throw error;
        await sleep(10); // It makes its socket after the network.
      }
    }
  } finally {
    closeSync(fd);
  }
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = '';
    connect({ path, allowHalfOpen: true })
      .once('error', reject)
      .on('data', (chunk: Buffer) => (reply += chunk.toString()))
      .once('end', () => resolve(reply))
      .end(request);
  });
}
