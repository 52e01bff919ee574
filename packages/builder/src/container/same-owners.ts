import { BuildError } from '../diagnostics/build-error.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import type { Container } from '../container-state/container.ts';

/**
 * Refuses a container whose files were made under another mapping of ids: after ids were added, taken away or moved in
 * /etc/subuid, or for root where a user made it, every file would belong to somebody else.
 * @throws BuildError `CONTAINER_CONFLICT`
 */
export function requireSameOwners({ config, shortId, name }: Container): void {
  const { mapping } = DiskOwners.read();
  if (config.ids === undefined || config.ids === mapping) return;
  throw new BuildError(
    'CONTAINER_CONFLICT',
    `container ${shortId} was created with a different mapping of user ids, and its files would now have other owners (created: ${config.ids}; now: ${mapping})`,
    {
      hint: `run it as the user who created it, with the same /etc/subuid as then, or remove it (tsbuild rm ${name}) and create it again`,
    },
  );
}
