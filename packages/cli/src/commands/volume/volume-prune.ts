import { pruneVolumes, volumeUsers } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { agreed } from '../../prune/agree.ts';
import { parseVolumeFilter } from './volume-filter.ts';

/** `tsbuild volume prune`: removes the volumes that no container uses. */
export const volumePruneCommand = defineCommand({
  name: 'volume prune',
  synopsis: '',
  summary: 'Remove unused anonymous volumes',
  options: {
    all: { kind: 'flag', short: 'a', describe: 'Also remove named volumes' },
    filter: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Only those with label=, or without: label!=' },
    force: { kind: 'flag', short: 'f', describe: 'Do not prompt for confirmation' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild volume prune -f', 'Remove them without confirmation']],
  async run({ options, settings }, host) {
    const keeps = options.filter.map((text) => parseVolumeFilter(text, 'volume prune', volumeUsers(settings.root)));
    const which = options.all ? 'all' : 'anonymous';
    const warning = `This will remove ${which} local volumes not used by at least one container.`;
    if (!options.force && !(await agreed(warning, host))) return EXIT_OK;
    const inside = await inUserNamespace(host, ['--force']);
    if (inside !== undefined) return inside;
    const removed = await pruneVolumes(
      settings.root,
      (volume) => (options.all || volume.config.anonymous) && keeps.every((keep) => keep(volume)),
      host.signal,
    );
    if (removed.length > 0) {
      host.stdout.write(`Deleted Volumes:\n${removed.map(({ config }) => `${config.name}\n`).join('')}`);
    }
    return EXIT_OK;
  },
});
