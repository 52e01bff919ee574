import { ContainerStore, readLog } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild logs`: what a container wrote. */
export const logsCommand = defineCommand({
  name: 'logs',
  synopsis: 'CONTAINER',
  summary: 'Show the output of a container',
  options: {
    follow: { kind: 'flag', short: 'f', describe: 'Follow the output' },
    since: {
      kind: 'value',
      placeholder: 'TIME',
      describe: 'Show nothing older than this: 10m, 2026-01-02T15:04:05Z, or seconds since 1970',
    },
    tail: { kind: 'value', short: 'n', placeholder: 'N', describe: 'Show only the last N lines (default: all)' },
    timestamps: { kind: 'flag', short: 't', describe: 'Show when each line was written' },
    until: { kind: 'value', placeholder: 'TIME', describe: 'Show nothing newer than this' },
    details: { kind: 'flag', describe: '', later: true },
  },
  operands: { min: 1, max: 1, what: 'one CONTAINER' },
  examples: [['tsbuild logs -f --tail 20 web', 'The last lines, and all that comes']],
  async run({ options, operands, settings }, host) {
    const container = new ContainerStore(settings.root).find(operands[0] ?? '');
    const range = {
      tail: tailOf(options.tail),
      since: limitOf(options.since, host.now()),
      until: limitOf(options.until, host.now()),
      follow: options.follow,
    };
    for await (const { log, stream, time } of readLog(container, range, host.signal)) {
      const to = stream === 'stderr' ? host.stderr : host.stdout;
      // What a container says goes out as it is, as with docker: it is data.
      const room = to.write(Buffer.from(options.timestamps ? `${time} ${log}` : log));
      if (!room) await new Promise((resolve) => to.once('drain', resolve));
    }
    host.signal.throwIfAborted();
    return EXIT_OK;
  },
});

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || text === 'all') return undefined;
  // As docker: what is no number is all of it.
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** To docker nothing and 0 are no limit. */
function limitOf(text: string | undefined, now: number): number | undefined {
  return text === undefined || text === '' || text === '0' ? undefined : timeOf(text, now);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A point in time: a duration ago, seconds since 1970, or a date. Milliseconds since 1970. @throws UsageError */
function timeOf(text: string, now: number): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (/^-?(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
    const duration = [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
    return text.startsWith('-') ? now + duration : now - duration;
  }
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`invalid time ${JSON.stringify(text)}`, {
    command: 'logs',
    hint: 'write 10m, or 2026-01-02T15:04:05Z',
  });
}
