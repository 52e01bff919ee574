import type { Volume } from '@tsbuild/builder';

/** A volume as `docker volume inspect` prints it. */
export function volumeDocument({ config, data }: Volume) {
  return {
    CreatedAt: config.created,
    Driver: 'local',
    Labels: config.labels,
    Mountpoint: data,
    Name: config.name,
    // As docker: a container that brought it about had none to give.
    Options: config.labels === null ? null : {},
    Scope: 'local',
  };
}
