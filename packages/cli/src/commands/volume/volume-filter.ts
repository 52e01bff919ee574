import type { Volume } from '@tsbuild/builder';
import { UsageError } from '../../host/usage-error.ts';

/** Reads a `--filter` of the commands for volumes. @throws UsageError */
export function parseVolumeFilter(
  text: string,
  command: string,
  users: ReadonlyMap<string, readonly string[]>,
): (volume: Volume) => boolean {
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  switch (key) {
    case 'name':
      return ({ config }) => config.name.includes(value);
    case 'label':
    case 'label!': {
      const has = ({ config }: Volume): boolean =>
        Object.entries(config.labels ?? {}).some(([name, is]) => value === name || value === `${name}=${is}`);
      return key === 'label' ? has : (volume) => !has(volume);
    }
    case 'dangling':
      return ({ config }) => users.has(config.name) !== /^(?:1|t|true)$/i.test(value);
    default:
      throw new UsageError(`invalid filter ${JSON.stringify(text)}`, {
        command,
        hint: 'expected name, label or dangling',
      });
  }
}
