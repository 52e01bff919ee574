import { verifySharedCache } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { remoteOption, remoteRow, type RemoteRow, remoteSpec, remoteTable } from './remote-cache.ts';

const COMMAND = 'cache verify';

/** `tsbuild cache verify`: whether all that a shared cache promises is there. */
export const cacheVerifyCommand = defineCommand({
  name: COMMAND,
  synopsis: '',
  summary: 'Check the records of a shared cache, and the bytes of their layers',
  options: {
    remote: { ...remoteOption, describe: 'The shared cache, as --cache-from of build names it' },
    quick: { kind: 'flag', describe: 'Only the records; read no layer' },
  },
  operands: { min: 0, max: 0, what: '' },
  examples: [
    ['tsbuild cache verify --remote registry.example/team/app-cache', 'Read everything; exits 1 if something is wrong'],
  ],
  async run({ options }, host) {
    if (!options.remote) {
      throw new UsageError('--remote is missing', {
        command: COMMAND,
        hint: 'name the shared cache; `tsbuild fsck` checks the store',
      });
    }
    const spec = remoteSpec(options.remote, COMMAND);
    const registry = await registryOptions(host);
    const bad: RemoteRow[] = [];
    let count = 0;
    const way = { spec, registry, now: host.now, signal: host.signal, content: !options.quick };
    for await (const entry of verifySharedCache(way)) {
      count++;
      if (entry.fault !== undefined) bad.push(remoteRow(entry));
    }
    if (bad.length > 0) host.stdout.write(`${remoteTable(bad, host.now())}\n`);
    host.stdout.write(
      `${count} records, ${bad.length} do not count${options.quick ? ' (layers were not read)' : ''}\n`,
    );
    return bad.length === 0 ? EXIT_OK : EXIT_FAILED;
  },
});
