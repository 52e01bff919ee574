import {
  type Container,
  ContainerStore,
  launchMonitor,
  MonitorClient,
  needsUserNamespace,
  runInUserNamespace,
  type Store,
} from '@tsbuild/builder';
import { CommandError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import { sanitizeName } from '../output/sanitize.ts';

/**
 * A user without root works on containers as root of a user namespace: this program once more, inside. Undefined when
 * this process may do it itself, else the exit code of that one. `more` is added to its words: what was asked once is not
 * asked again.
 */
export async function inUserNamespace(host: Host, more: readonly string[] = []): Promise<number | undefined> {
  if (!needsUserNamespace()) return undefined;
  return runInUserNamespace([...host.commandLine, ...more], (text) =>
    host.stderr.write(`WARNING: ${sanitizeName(text)}\n`),
  );
}

/**
 * As {@link inUserNamespace}, for who works on the files of one container: of one that runs, in its own user namespace,
 * since only there its mounts can be looked into.
 */
export async function besideContainer(name: string, root: string, host: Host): Promise<number | undefined> {
  if (!needsUserNamespace()) return undefined;
  const container = new ContainerStore(root).find(name);
  const { monitor } = container.state();
  if (!container.isRunning || monitor === undefined) return inUserNamespace(host);
  return runInUserNamespace(host.commandLine, () => {}, monitor.pid);
}

/** Starts a container's monitor and connects to it. */
export async function launch(container: Container, store: Store, host: Host): Promise<MonitorClient> {
  await launchMonitor(container, store, programWords(host));
  const client = await MonitorClient.open(container);
  if (client !== undefined) return client;
  throw new CommandError(`the monitor of container ${container.shortId} exited immediately`);
}

/** How this program is started, without what it was asked this time. */
function programWords({ commandLine }: Host): readonly string[] {
  const script = commandLine.findIndex((word, i) => i > 0 && !word.startsWith('-'));
  return commandLine.slice(0, script + 1);
}
