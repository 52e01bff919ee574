import { setTimeout as sleep } from 'node:timers/promises';
import { MonitorClient } from './client.ts';
import type { Container } from '../container-state/container.ts';

/**
 * Ends a container: its stop signal, and SIGKILL when it still runs after `seconds` (-1: waits for ever). Does nothing
 * when it does not run.
 */
export async function stopContainer(container: Container, seconds: number): Promise<void> {
  if (!container.isRunning) return;
  using client = await MonitorClient.open(container);
  if (client === undefined) return;
  client.wait();
  const ended = client.ended().then(() => true as const);
  if (container.state().status === 'paused') await client.pause(false);
  await tell(container, container.config.config.StopSignal || 'SIGTERM');
  const timer = new AbortController();
  const patience = sleep(seconds * 1000, false as const, { signal: timer.signal }).catch(() => false as const);
  const done = seconds < 0 ? await ended : await Promise.race([ended, patience]);
  timer.abort();
  if (done) return;
  await tell(container, 'SIGKILL');
  await ended;
}

/** Sends a signal to the container's first process. @throws BuildError `CONTAINER_NOT_RUNNING`, `OPTION_INVALID` */
export async function killContainer(container: Container, signal: string): Promise<void> {
  using client = await MonitorClient.openRunning(container);
  await client.signal(signal);
  const fatal = /^(?:SIG)?KILL$|^9$/i.test(signal);
  // As docker: who kills sees it gone.
  if (!fatal) return;
  client.wait();
  await client.ended();
}

/** It may have ended by itself in between, which is what was wanted. */
async function tell(container: Container, signal: string): Promise<void> {
  using client = await MonitorClient.open(container);
  await client?.signal(signal).catch(() => {});
}
