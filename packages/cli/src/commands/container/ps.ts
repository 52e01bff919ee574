import { type Container, ContainerStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { type ContainerRow, containerRow } from '../../container/container-row.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { compileTemplate } from '../../output/template/template.ts';

/** `tsbuild ps`: docker's list of containers. */
export const psCommand = defineCommand({
  name: 'ps',
  synopsis: '',
  summary: 'List containers, newest first',
  options: {
    all: { kind: 'flag', short: 'a', describe: 'Also show stopped containers' },
    filter: {
      kind: 'list',
      short: 'f',
      placeholder: 'KEY=VALUE',
      describe: 'Only those with name=, id=, status=, ancestor=, label= or exited=',
    },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.Names}}',
    },
    last: { kind: 'value', short: 'n', placeholder: 'N', describe: 'Show the newest N containers, running or not' },
    latest: { kind: 'flag', short: 'l', describe: 'Show the newest container, running or not' },
    'no-trunc': { kind: 'flag', describe: 'Do not truncate IDs and commands' },
    quiet: { kind: 'flag', short: 'q', describe: 'IDs only' },
    size: { kind: 'flag', short: 's', describe: '', later: true },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [
    ['tsbuild ps', 'Running containers'],
    ['tsbuild rm $(tsbuild ps -aq -f status=exited)', 'Remove those that have exited'],
  ],
  async run({ options, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'ps');
    const keeps = options.filter.map(parseFilter);
    const newest = options.latest ? 1 : options.last === undefined ? undefined : Number(options.last);
    const all = options.all || newest !== undefined || options.filter.some((text) => /^(?:status|exited)=/.test(text));
    const found = new ContainerStore(settings.root)
      .list()
      .filter((container) => all || container.isRunning)
      .filter((container) => keeps.every((keep) => keep(container)))
      .slice(0, newest);
    const rows = found.map((container) => containerRow(container, options['no-trunc'], host.now()));
    const lines = (texts: readonly string[]): void => void host.stdout.write(texts.map((text) => `${text}\n`).join(''));
    if (options.quiet) lines(rows.map(({ ID }) => ID));
    else if (format === 'json') lines(rows.map((row) => JSON.stringify(row)));
    else if (template !== undefined) lines(rows.map(template));
    else host.stdout.write(table(rows));
    return EXIT_OK;
  },
});

function table(rows: readonly ContainerRow[]): string {
  return renderTable([
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'],
    ...rows.map((row) => [
      row.ID,
      sanitizeName(row.Image),
      sanitizeName(row.Command),
      row.RunningFor,
      row.Status,
      row.Ports,
      row.Names,
    ]),
  ]);
}

/** Docker's; some of them a container never is here. */
const STATUSES = ['created', 'dead', 'exited', 'paused', 'removing', 'restarting', 'running'];

function parseFilter(text: string): (container: Container) => boolean {
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  switch (key) {
    case 'name':
      return ({ name }) => name.includes(value.replace(/^\//, ''));
    case 'id':
      return ({ id }) => id.startsWith(value);
    case 'status':
      if (!STATUSES.includes(value)) throw new UsageError(`Invalid filter 'status=${value}'`, { command: 'ps' });
      return (container) => container.state().status === value;
    case 'exited':
      return (container) => container.state().status === 'exited' && container.state().exitCode === Number(value);
    case 'ancestor':
      return ({ config: { image } }) =>
        image.name === value ||
        image.name === `${value}:latest` ||
        image.id.replace('sha256:', '').startsWith(value.replace('sha256:', ''));
    case 'label':
      return ({ config }) =>
        Object.entries(config.config.Labels ?? {}).some(([name, is]) => value === name || value === `${name}=${is}`);
    default:
      throw new UsageError(`invalid filter ${JSON.stringify(text)}`, {
        command: 'ps',
        hint: 'expected name, id, status, ancestor, label or exited',
      });
  }
}
