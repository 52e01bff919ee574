import { appendFileSync, writeSync } from 'node:fs';
import { runMonitor, storePath } from '@tsbuild/builder';

/** Runs a container's monitor in this process and ends it. What goes wrong is told on descriptor 3, or to a file. */
export async function runMonitorProcess(words: readonly string[], process: NodeJS.Process): Promise<never> {
  const [root = '', id = ''] = words;
  const fail = (error: unknown): never => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    try {
      writeSync(3, `${error instanceof Error ? error.message : text}\n`);
    } catch {
      // The start was long ago.
    }
    try {
      appendFileSync(storePath(root, 'containers', id, 'monitor.err'), `${text}\n`, { mode: 0o600 });
    } catch {
      // The container is gone.
    }
    return process.exit(1);
  };
  process.on('uncaughtException', fail).on('unhandledRejection', fail);
  try {
    return process.exit(await runMonitor(words));
  } catch (error) {
    return fail(error);
  }
}
