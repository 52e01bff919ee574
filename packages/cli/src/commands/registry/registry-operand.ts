import { UsageError } from '../../host/usage-error.ts';
import { registryOfServer } from '../../registry/registry-name.ts';

/** The registry that the SERVER of `login` or `logout` means. @throws UsageError */
export function registryOperand(server: string | undefined, command: string): string {
  const registry = registryOfServer(server);
  if (registry !== undefined) return registry;
  throw new UsageError(`invalid SERVER ${JSON.stringify(server)}: expected the host of a registry, or host:port`, {
    command,
  });
}
