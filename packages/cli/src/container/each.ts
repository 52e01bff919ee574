import { type Container, ContainerStore } from '@tsbuild/builder';
import type { GlobalSettings } from '../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../host/exit-code.ts';
import type { Host } from '../host/host.ts';
import { sanitizeText } from '../output/sanitize.ts';
import { reportError } from '../output/report-error.ts';

/** Does something to each of the containers named, and prints each name when it is done; one that fails stops no other. */
export async function forEach(
  names: readonly string[],
  act: (container: Container) => Promise<string | void>,
  settings: GlobalSettings,
  host: Host,
): Promise<number> {
  const containers = new ContainerStore(settings.root);
  let code = EXIT_OK;
  for (const name of names) {
    try {
      const said = await act(containers.find(name));
      host.stdout.write(`${sanitizeText(said ?? name)}\n`);
    } catch (error) {
      code = Math.max(code, await reportError(error, host, settings), EXIT_FAILED);
    }
  }
  return code;
}
