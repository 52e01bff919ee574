import { listCache, needsUserNamespace, runInUserNamespace, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { humanSize } from '../../output/human.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { matchesFilter, parseCacheFilter } from '../../prune/cache-filter.ts';
import { UsageError } from '../../host/usage-error.ts';
import { listRemote, remoteOption, remoteSpec } from './remote-cache.ts';
import { cacheRow, cacheTable } from './cache-rows.ts';

/** `tsbuild cache ls`: what the store keeps to be faster, and what each of it takes. */
export const cacheLsCommand = defineCommand({
  name: 'cache ls',
  synopsis: '',
  summary: 'List the build cache, the last used first',
  options: {
    remote: remoteOption,
    filter: {
      kind: 'list',
      placeholder: 'KEY=VALUE',
      describe:
        'Only entries with type=record|cache-mount|snapshot|base|context|source, id=PREFIX or unused-for=DURATION (until= is the same)',
    },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.ID}}',
    },
    'no-trunc': { kind: 'flag', describe: 'Do not truncate IDs and descriptions' },
    quiet: { kind: 'flag', short: 'q', describe: 'IDs only' },
    verbose: { kind: 'flag', describe: '' },
  },
  operands: { min: 0, max: 0, what: '' },
  examples: [
    ['tsbuild cache ls', 'All of it'],
    ['tsbuild cache ls --filter type=cache-mount', 'The directories of RUN --mount=type=cache'],
    ['tsbuild cache ls --remote registry.example/team/app-cache', 'The records of a shared cache'],
    ['tsbuild cache ls --format json', 'One object a line, for programs'],
  ],
  async run({ options, settings }, host) {
    const format = options.format ?? 'table';
    if (options.remote) {
      if (format !== 'table' && format !== 'json')
        throw new UsageError('--remote knows the formats table and json', { command: 'cache ls' });
      await listRemote(remoteSpec(options.remote, 'cache ls'), format, host);
      return EXIT_OK;
    }
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'cache ls');
    const keeps = matchesFilter(parseCacheFilter(options.filter, 'cache ls'), host.now());
    // Directories of other owners than one's own can be read in a user namespace only.
    if (needsUserNamespace()) return runInUserNamespace(host.commandLine, () => {});
    const store = await Store.open(settings.root);
    const entries = (await listCache(store, host.signal)).filter(keeps);
    const whole = options['no-trunc'] || format !== 'table';
    const rows = entries.map((entry) => cacheRow(entry, { whole, now: host.now() }));
    const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
    if (options.quiet) host.stdout.write(lines(rows.map(({ ID }) => ID)));
    else if (format === 'json') host.stdout.write(lines(rows.map((row) => JSON.stringify(row))));
    else if (template !== undefined) host.stdout.write(lines(rows.map(template)));
    else {
      const total = (shared: boolean): string =>
        humanSize(entries.filter((entry) => entry.shared === shared).reduce((sum, { size }) => sum + size, 0));
      host.stdout.write(cacheTable(rows, { whole }));
      host.stdout.write(`\nTotal: ${total(false)} that can be reclaimed, ${total(true)} shared with images\n`);
    }
    return EXIT_OK;
  },
});
