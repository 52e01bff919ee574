import { type BuildRecord, Store, timelineOf } from '@tsbuild/builder';
import { ageText, outcomeText, subjectOf } from '../../builds/build-words.ts';
import { listBuilds } from '../../builds/find-build.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { UsageError } from '../../host/usage-error.ts';
import { humanSize, stepTime } from '../../output/human.ts';
import { sanitizeName, sanitizeText } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';

const MOST = '20';

/** `tsbuild builds ls`: the builds that are remembered, the latest first. */
export const buildsLsCommand = defineCommand({
  name: 'builds ls',
  synopsis: '[IMAGE | PATH]',
  summary: 'List the last builds, of an image or of the Dockerfiles below a directory',
  options: {
    limit: { kind: 'value', short: 'n', placeholder: 'N', describe: `List at most N builds (default ${MOST})` },
    quiet: { kind: 'flag', short: 'q', describe: 'Print ids only' },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, or json (one object a line)',
      choices: ['table', 'json'],
    },
  },
  operands: { min: 0, max: 1, what: 'at most one IMAGE, or a PATH that begins with . or /' },
  examples: [
    ['tsbuild builds ls', 'The last builds of the store'],
    ['tsbuild builds ls my-app', 'Those of one image'],
    ['tsbuild builds ls .', 'Those of the Dockerfiles of this directory'],
  ],
  run({ options, operands: [what], settings }, host) {
    const most = options.limit ?? MOST;
    if (!/^[1-9]\d{0,5}$/.test(most))
      throw new UsageError(`invalid --limit ${JSON.stringify(most)}: expected a number, 1 or more`, {
        command: 'builds ls',
      });
    return Store.open(settings.root).then((store) => {
      const records = listBuilds(what, { store, most: Number(most), host });
      if (options.quiet) host.stdout.write(records.map(({ id }) => `${id}\n`).join(''));
      else if (options.format === 'json') host.stdout.write(records.map(jsonLine).join(''));
      else host.stdout.write(table(records, host.now()));
      return EXIT_OK;
    });
  },
});

function table(records: readonly BuildRecord[], now: number): string {
  const rows = records.map((record) => [
    record.id,
    subjectOf(record),
    ageText(record, now),
    outcomeText(record),
    stepTime(timelineOf(record).wall),
    `${record.steps.filter(({ state }) => state === 'cached').length}/${record.steps.length}`,
    record.image === undefined ? '' : humanSize(record.image.size),
  ]);
  const title = ['BUILD', 'IMAGE', 'STARTED', 'STATE', 'TIME', 'CACHED', 'SIZE'];
  return renderTable([title, ...rows].map((row) => row.map(sanitizeName)));
}

function jsonLine(record: BuildRecord): string {
  const { id, started, ended, outcome, dockerfile, target, names, platforms, image, steps } = record;
  const { wall, sum, critical } = timelineOf(record);
  const states = steps.map(({ state }) => state);
  const cached = states.filter((state) => state === 'cached').length;
  const counts = { total: states.length, cached, run: states.filter((state) => state === 'run').length };
  const facts = { id, started, ended, outcome, dockerfile, target, names, platforms };
  const document = { ...facts, image: image?.id, size: image?.size, wall, sum, critical, steps: counts };
  return `${sanitizeText(JSON.stringify(document))}\n`;
}
