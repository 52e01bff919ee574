import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { startDockerRegistry } from '../../packages/oci/testing/docker-registry.ts';
import { Builder } from './builder.ts';

/**
 * Pushes the image busybox into a registry, and keeps what that stores: registries that begin with a copy of it need no push.
 * @param base an archive of the image
 * @returns the directory
 * @throws Error when the command fails
 */
export async function makeBaseStorage(directory: string, cli: string, base: string): Promise<string> {
  const registry = await startDockerRegistry({ within: directory });
  const builder = new Builder('base', cli, join(directory, 'builders', 'base'), 'auto');
  try {
    const name = `${registry.host}/fleet/busybox:latest`;
    for (const args of [
      ['load', '-q', '-i', base],
      ['tag', 'busybox', name],
      ['push', '-q', name],
    ]) {
      const { exitCode, stderr } = await builder.run(args);
      if (exitCode !== 0) throw new Error(`tsbuild ${args.join(' ')}: exit code ${exitCode}: ${stderr}`);
    }
    const kept = join(directory, 'base-storage');
    await cp(join(registry.directory, 'storage'), kept, { recursive: true });
    return kept;
  } finally {
    await builder.dispose();
    await registry.stop();
  }
}
