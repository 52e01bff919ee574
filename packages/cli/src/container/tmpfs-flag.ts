import { parseSize, type TmpfsRequest } from '@tsbuild/builder';
import { UsageError } from '../host/usage-error.ts';

/** Words that say how things are anyway, or that make no difference to memory. */
const USUAL = ['rw', 'nosuid', 'nodev', 'async', 'sync', 'atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime',
  'strictatime', 'nostrictatime', 'private', 'rprivate']; // biome-ignore format: one list
const IDS = ['uid', 'gid'] as const;
const MAX_ID = 0xffff_fffe;

/**
 * `--tmpfs DST[:OPTIONS]` with docker's options, which are mount(8)'s. As in docker no program can be started in it unless
 * `exec` is said; the last word counts.
 * @throws UsageError for what docker does not know, and for `dev` and `suid`: devices of the machine are no container's
 */
export function parseTmpfs(text: string): TmpfsRequest {
  const colon = text.indexOf(':');
  const destination = colon < 0 ? text : text.slice(0, colon);
  if (!destination.startsWith('/')) throw wrong(text, 'expected an absolute path');
  if (/^\/+$/.test(destination)) throw wrong(text, "the destination can't be '/'");
  let request: TmpfsRequest = { destination, readOnly: false, noExec: true };
  const options = colon < 0 ? '' : text.slice(colon + 1);
  for (const option of options.split(',').filter((word) => word !== '')) {
    request = { ...request, ...meaningOf(option, text) };
  }
  return request;
}

function meaningOf(option: string, text: string): Partial<TmpfsRequest> {
  if (USUAL.includes(option)) return option === 'rw' ? { readOnly: false } : {};
  if (option === 'ro') return { readOnly: true };
  if (option === 'noexec' || option === 'exec') return { noExec: option === 'noexec' };
  const equals = option.indexOf('=');
  const [name, value] = equals < 0 ? [option, ''] : [option.slice(0, equals), option.slice(equals + 1)];
  const number = numberOf(name, value);
  if (number === undefined) throw wrong(text, `invalid tmpfs option ${JSON.stringify(option)}`);
  return { [name === 'nr_inodes' ? 'inodes' : name]: number };
}

function numberOf(name: string, value: string): number | undefined {
  if (name === 'size') return parseSize(value);
  if (name === 'mode')
    return /^[0-7]{1,5}$/.test(value) && Number.parseInt(value, 8) <= 0o7777 ? Number.parseInt(value, 8) : undefined;
  if (name === 'nr_inodes') return parseSize(value);
  if (!IDS.some((id) => id === name) || !/^\d{1,10}$/.test(value)) return undefined;
  return Number(value) <= MAX_ID ? Number(value) : undefined;
}

function wrong(text: string, problem: string): UsageError {
  return new UsageError(`invalid --tmpfs ${JSON.stringify(text)}: ${problem}`, {
    command: 'run',
    hint: 'expected size, mode, uid, gid, nr_inodes, ro, exec or noexec',
  });
}
