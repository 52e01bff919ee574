import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parsePlatform } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import { prepareProcess } from '../executor/prepare-process.ts';
import { Store } from '../store/store.ts';
import type { Container } from '../container-state/container.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import { emulationFor } from './foreign-image.ts';
import { Monitor } from './monitor.ts';
import { requireSameOwners } from './same-owners.ts';

/** The word by which the program is asked to be a container's monitor. */
export const MONITOR_WORD = '__container-monitor';

/** The descriptor on which a monitor says that it is there. */
const READY = 3;

/**
 * Starts the monitor of a container as a process of its own, which lives on when this one ends. The container is started
 * by asking it to.
 * @param program the words that start this program: they get {@link MONITOR_WORD}, the store and the ID as arguments
 * @throws BuildError `CONTAINER_CONFLICT` when it did not come up, or its files have other owners now
 */
export async function launchMonitor(container: Container, store: Store, program: readonly string[]): Promise<void> {
  requireSameOwners(container);
  const [command = process.execPath, ...words] = program;
  // Memory is what a monitor costs: it does little, so a small young generation will do.
  const child = spawn(command, ['--max-semi-space-size=1', ...words, MONITOR_WORD, store.root, container.id], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    cwd: '/',
  });
  const channel = child.stdio[READY] as Readable;
  const said = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    channel.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolve(text);
    });
    channel.once('end', () => resolve(text)).once('error', reject);
  });
  channel.destroy();
  child.unref();
  if (said.trim() === 'ready') return;
  throw new BuildError(
    'CONTAINER_CONFLICT',
    `the monitor of container ${container.shortId} did not start: ${said.trim()}`,
  );
}

/** Is the monitor that {@link launchMonitor} started. Returns the exit code. */
export async function runMonitor([root = '', id = '']: readonly string[]): Promise<number> {
  for (const name of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(name, () => {});
  const store = await Store.open(root);
  const container = new ContainerStore(root).find(id);
  rmSync(join(container.directory, 'monitor.err'), { force: true });
  // What it fails with is for whoever asks for the start. Afterwards this process can make no more user namespaces.
  const emulation = emulationFor(parsePlatform(container.config.image.platform), store);
  await emulation.catch(() => {});
  // This process is the container's alone.
  await prepareProcess(container.config.isolation);
  await new Monitor(container, store, emulation).serve(READY);
  return 0;
}
