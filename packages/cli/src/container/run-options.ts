import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type BuildOptions, type HostEntry, parseSize, type ResourceLimit, type SecretSource } from '@tsbuild/builder';
import { notSupportedYet, UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';

/** The flags of `tsbuild build` that say what RUN finds. */
export interface RunFlags {
  readonly 'no-cache-filter': readonly string[];
  readonly secret: readonly string[];
  readonly ssh: readonly string[];
  readonly 'add-host': readonly string[];
  readonly 'shm-size': string | undefined;
  readonly ulimit: readonly string[];
  readonly allow: readonly string[];
}

type RunOptions = Required<Pick<BuildOptions, 'noCacheFilter' | 'secrets' | 'agents' | 'hosts' | 'limits' | 'allow'>> &
  Pick<BuildOptions, 'shmSize'>;

/** The limits that setrlimit(2) knows, as docker names them. */
const LIMITS = ['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio',
  'rttime', 'sigpending', 'stack']; // biome-ignore format: one list

/** What a build may be allowed; buildx knows no others. */
const ALLOWED = ['network.host', 'security.insecure'];

/** @throws UsageError */
export function runOptions(flags: RunFlags, host: Host): RunOptions {
  const shm = flags['shm-size'];
  const shmSize = shm ? (parseSize(shm) ?? fail(`invalid --shm-size ${JSON.stringify(shm)}`, 'write 64m or 1g')) : 0;
  return {
    noCacheFilter: flags['no-cache-filter'].flatMap((names) => names.split(',')).filter((name) => name !== ''),
    secrets: new Map(flags.secret.map((text) => parseSecret(text, host))),
    agents: new Map(flags.ssh.map((text) => parseAgent(text, host))),
    hosts: flags['add-host'].map(parseHost),
    limits: flags.ulimit.map((text) => parseLimit(text)),
    allow: flags.allow.flatMap((names) => names.split(',')).map(checkAllowed),
    ...(shmSize === 0 ? {} : { shmSize }),
  };
}

/** `id=ID[,src=FILE|,env=VAR][,type=file|env]`, as buildx reads it: without src and env it is the variable ID, or the file ID. */
function parseSecret(text: string, host: Host): [string, SecretSource] {
  const bad = (problem: string): UsageError => wrong(`invalid --secret ${JSON.stringify(shown(text))}: ${problem}`);
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    if (equals < 0) throw bad(`${JSON.stringify(shown(field))} must be a key=value pair`);
    const key = field.slice(0, equals).toLowerCase();
    const name = key === 'source' ? 'src' : key;
    if (!['id', 'src', 'env', 'type'].includes(name)) throw bad(`unexpected key ${JSON.stringify(key)}`);
    fields.set(name, field.slice(equals + 1));
  }
  const id = fields.get('id') ?? '';
  if (id === '') throw bad('id= is missing');
  const type = fields.get('type') ?? '';
  if (!['', 'file', 'env'].includes(type)) throw bad('type must be file or env');
  const env = fields.get('env') || (type === 'env' ? fields.get('src') || id : undefined);
  const src = fields.get('src') || undefined;
  if (env !== undefined) return [id, { kind: 'env', name: env }];
  if (src === undefined && type === '' && host.env[id] !== undefined) return [id, { kind: 'env', name: id }];
  const path = resolve(host.cwd, src ?? id);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw bad(`no such file: ${src ?? id}`);
  if (stats.isDirectory()) throw bad(`${src ?? id} is a directory`);
  return [id, { kind: 'file', path }];
}

/** Who mistypes `id=` may have given the secret itself: no more of it is shown than a key. */
function shown(text: string): string {
  return text.replace(/=.*/s, '=…');
}

/** `default` or `ID[=SOCKET]`; without a socket it is the agent of the environment. */
function parseAgent(text: string, host: Host): [string, string] {
  const bad = (problem: string, hint?: string): UsageError =>
    wrong(`invalid --ssh ${JSON.stringify(text)}: ${problem}`, hint);
  const equals = text.indexOf('=');
  const id = equals < 0 ? text : text.slice(0, equals);
  const given = equals < 0 ? '' : text.slice(equals + 1);
  if (id === '') throw bad('expected default or ID=SOCKET');
  const path = given || host.env['SSH_AUTH_SOCK'] || '';
  if (path === '')
    throw bad('no SSH agent is running', 'start one (eval $(ssh-agent); ssh-add), or name its socket: ID=SOCKET');
  const stats = path.includes(',') ? undefined : statSync(resolve(host.cwd, path), { throwIfNoEntry: false });
  if (path.includes(',') || stats?.isFile() === true) {
    throw notSupportedYet('--ssh with key files (give them to an agent: ssh-add KEY)', 'build');
  }
  if (stats === undefined) throw bad(`no such socket: ${path}`);
  if (!stats.isSocket()) throw bad(`${path} is not a socket`);
  return [id, resolve(host.cwd, path)];
}

/** `HOST:IP` or `HOST=IP`; `host-gateway` is this machine, whose network RUN is on. */
export function parseHost(text: string): HostEntry {
  const match = /^([^:=\s]+)[:=](.+)$/.exec(text);
  const [, name = '', written = ''] = match ?? [];
  const address = written === 'host-gateway' ? '127.0.0.1' : written.replace(/^\[(.*)\]$/, '$1');
  if (match !== null && isIP(address) !== 0) return { name, address };
  throw wrong(`invalid --add-host ${JSON.stringify(text)}: expected HOST:IP or HOST:host-gateway`);
}

/** `NAME=SOFT[:HARD]`; -1 is no limit. */
export function parseLimit(text: string, command: 'build' | 'run' = 'build'): ResourceLimit {
  const bad = (message: string, hint?: string): UsageError =>
    new UsageError(message, { command, ...(hint === undefined ? {} : { hint }) });
  const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
  const [, name = '', softText = '', hardText = softText] = match ?? [];
  if (match === null) throw bad(`invalid --ulimit ${JSON.stringify(text)}: expected NAME=SOFT[:HARD]`);
  if (!LIMITS.includes(name)) throw bad(`invalid --ulimit type: ${name}`, `expected one of ${LIMITS.join(', ')}`);
  const [soft, hard] = [Number(softText), Number(hardText)];
  if (hard >= 0 && (soft < 0 || soft > hard)) {
    throw bad(`invalid --ulimit: soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}

function checkAllowed(name: string): string {
  if (ALLOWED.includes(name)) return name;
  throw wrong(`invalid --allow ${JSON.stringify(name)}`, `expected ${ALLOWED.join(' or ')}`);
}

function fail(message: string, hint: string): never {
  throw wrong(message, hint);
}

function wrong(message: string, hint?: string): UsageError {
  return new UsageError(message, { command: 'build', ...(hint === undefined ? {} : { hint }) });
}
