import { needsUserNamespace, pruneCache, type PrunedCache, runInUserNamespace, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { humanSize } from '../../output/human.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { askOnTerminal } from '../../registry/prompt.ts';
import { parseAge, parseCacheFilter, parseKeepStorage } from '../../prune/cache-filter.ts';
import { pruneRemote, remoteOption, remoteSpec } from './remote-cache.ts';
import { cacheRow, cacheTable } from './cache-rows.ts';

const COMMAND = 'cache prune';

/** `tsbuild cache prune`: makes room. */
export const cachePruneCommand = defineCommand({
  name: COMMAND,
  synopsis: '',
  summary: 'Remove entries of the build cache, as far as no image needs it',
  options: {
    remote: remoteOption,
    'older-than': {
      kind: 'value',
      placeholder: 'DURATION',
      describe: 'With --remote: records that nobody has written or renewed for so long (30d, 12h)',
    },
    all: {
      kind: 'flag',
      short: 'a',
      describe: 'Also list what images share and what is cached of base images and contexts',
    },
    filter: {
      kind: 'list',
      placeholder: 'KEY=VALUE',
      describe:
        'Only entries with type=record|cache-mount|snapshot|base|context|source, id=PREFIX, until=DURATION or unused-for=DURATION: not used for so long',
    },
    'keep-storage': {
      kind: 'value',
      placeholder: 'SIZE',
      describe: 'Remove the least recently used entries until the cache is no larger than this',
    },
    'dry-run': { kind: 'flag', describe: 'Print what would be removed, and remove nothing' },
    force: { kind: 'flag', short: 'f', describe: 'Do not prompt for confirmation' },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'Format of the removed entries: table, json (one object a line), or a template: {{.ID}}',
    },
    'no-trunc': { kind: 'flag', describe: 'Do not truncate IDs and descriptions' },
    verbose: { kind: 'flag', describe: '' },
  },
  operands: { min: 0, max: 0, what: '' },
  examples: [
    ['tsbuild cache prune', 'Remove entries that no image needs'],
    ['tsbuild cache prune -f --filter until=24h', 'Only those not used for a day, without confirmation'],
    [
      'tsbuild cache prune --remote registry.example/team/app-cache --older-than 30d --dry-run',
      'Show which records of a shared cache are old',
    ],
    ['tsbuild cache prune --keep-storage 10g --dry-run', 'Show what would be removed to get down to 10 GiB'],
  ],
  async run({ options, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, COMMAND);
    if (options.remote) return await pruneShared(options.remote, options, host);
    const filter = parseCacheFilter(options.filter, COMMAND);
    const keepStorage = parseKeepStorage(options['keep-storage'], COMMAND);
    const { all, 'dry-run': dryRun, force, 'no-trunc': whole } = options;
    if (!force && !dryRun && !(await agreed(all, host))) return EXIT_OK;
    if (needsUserNamespace()) return runInUserNamespace([...host.commandLine, '--force'], () => {});
    const store = await Store.open(settings.root);
    const choice = { all, ...filter, ...(keepStorage === undefined ? {} : { keepStorage }), dryRun };
    const pruned = await pruneCache(store, choice, host.signal);
    const rows = pruned.removed.map((entry) =>
      cacheRow(entry, { whole: whole || format !== 'table', now: host.now() }),
    );
    if (format === 'json') for (const row of rows) host.stdout.write(`${JSON.stringify(row)}\n`);
    else if (template !== undefined) for (const row of rows) host.stdout.write(`${template(row)}\n`);
    else {
      if (rows.length > 0) host.stdout.write(`${cacheTable(rows, { whole })}\n`);
      host.stdout.write(
        `Total ${dryRun ? 'that would be reclaimed' : 'reclaimed space'}: ${humanSize(pruned.bytes)}\n`,
      );
    }
    tellHeldBack(pruned, host);
    return EXIT_OK;
  },
});

/** Of a shared cache. The registry has no undo, so that what goes must be said. */
async function pruneShared(
  remote: string,
  options: {
    readonly 'older-than': string | undefined;
    readonly 'keep-storage': string | undefined;
    readonly 'dry-run': boolean;
  },
  host: Host,
): Promise<number> {
  const spec = remoteSpec(remote, COMMAND);
  const keepBytes = parseKeepStorage(options['keep-storage'], COMMAND);
  const text = options['older-than'];
  const olderThan = text === undefined ? undefined : parseAge(text);
  if (text !== undefined && olderThan === undefined) {
    throw new UsageError(`invalid --older-than ${JSON.stringify(text)}: expected a duration: 12h, 30d`, {
      command: COMMAND,
    });
  }
  if (olderThan === undefined && keepBytes === undefined) {
    throw new UsageError('--remote needs --older-than or --keep-storage', {
      command: COMMAND,
      hint: 'e.g. --older-than 30d',
    });
  }
  const choice = {
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(keepBytes === undefined ? {} : { keepBytes }),
    dryRun: options['dry-run'],
  };
  await pruneRemote(spec, choice, host);
  return EXIT_OK;
}

/** Docker's question. @throws UsageError when nobody can be asked */
async function agreed(all: boolean, host: Host): Promise<boolean> {
  if (host.stdin.isTTY !== true) {
    throw new UsageError('cannot ask for confirmation: standard input is not a terminal', {
      hint: 'use --force, or --dry-run',
      command: COMMAND,
    });
  }
  const what = all ? 'all build cache' : 'all build cache that no image needs';
  host.stderr.write(`WARNING! This will remove ${what}.\n`);
  const answer = await askOnTerminal('Are you sure you want to continue? [y/N] ', host);
  return /^y(?:es)?$/i.test(answer?.trim() ?? '');
}

function tellHeldBack({ heldBackBy }: PrunedCache, host: Host): void {
  if (heldBackBy === 0) return;
  const builds = heldBackBy === 1 ? 'a build is' : `${heldBackBy} builds are`;
  host.stderr.write(`WARNING: ${builds} running: only cache mounts that no command uses were removed\n`);
}
