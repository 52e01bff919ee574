import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type CreateOptions,
  hasPrivateNetwork,
  type NetworkMode,
  noPrivateNetwork,
  parseSize,
  signalNumber,
} from '@tsbuild/builder';
import { parsePlatform } from '@tsbuild/oci/node';
import { parseHost } from './run-options.ts';
import { CommandError, UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import type { OptionTable, OptionValues } from '../grammar/options.ts';
import { dockerFlagTable, refuseDockerFlags } from './docker-flags.ts';
import { mountsOf } from './mount-flags.ts';
import { parseExposed, parsePublished } from './ports.ts';
import { rightsOf } from './rights-flags.ts';

/** Options that `run` and `create` have in common: what the container is. */
export const createOptionTable = {
  'add-host': { kind: 'list', placeholder: 'HOST:IP', describe: 'Add a line to /etc/hosts' },
  'cap-add': { kind: 'list', placeholder: 'CAPABILITY', describe: "Add a capability to Docker's, or CAP_NET_RAW on the host's network" },
  'cap-drop': { kind: 'list', placeholder: 'CAPABILITY', describe: 'Drop a capability, or ALL' },
  cidfile: { kind: 'value', placeholder: 'FILE', describe: 'Write the container ID to this file, which must not be there' },
  entrypoint: { kind: 'value', placeholder: 'PROGRAM', describe: "Replace the image's ENTRYPOINT and omit its CMD" },
  env: { kind: 'list', short: 'e', placeholder: 'KEY[=VALUE]', describe: 'Set a variable; without VALUE, from the environment' },
  'env-file': { kind: 'list', placeholder: 'FILE', describe: 'Set the variables in a file' },
  expose: { kind: 'list', placeholder: 'PORT[/udp]', describe: 'Say that the container listens on a port' },
  hostname: { kind: 'value', short: 'h', placeholder: 'NAME', describe: "The container's host name (default: its ID)" },
  init: { kind: 'flag', describe: 'Run a small init first, which passes signals on and reaps processes' },
  interactive: { kind: 'flag', short: 'i', describe: 'Keep standard input open' },
  isolation: { kind: 'value', placeholder: 'MODE', describe: 'Sandbox of the container', choices: ['auto', 'runc', 'namespaces'] },
  label: { kind: 'list', short: 'l', placeholder: 'KEY=VALUE', describe: 'Set a label' },
  'label-file': { kind: 'list', placeholder: 'FILE', describe: 'Set the labels that a file lists' },
  mount: { kind: 'list', placeholder: 'type=TYPE,src=SRC,dst=DST', describe: 'Mount a bind, volume or tmpfs; also readonly, volume-nocopy, tmpfs-size=, tmpfs-mode=' },
  name: { kind: 'value', placeholder: 'NAME', describe: 'Name the container' },
  network: { kind: 'value', placeholder: 'NETWORK', describe: 'host (default), none, or private (what -p uses)' },
  net: { kind: 'value', describe: '' },
  platform: { kind: 'value', placeholder: 'OS/ARCH', describe: 'The platform to take from a multi-platform image' },
  publish: { kind: 'list', short: 'p', placeholder: '[IP:]HOST:CONTAINER', describe: "Publish a port of the container on this machine" },
  pull: { kind: 'value', placeholder: 'WHEN', describe: 'When to pull from the registry', choices: ['always', 'missing', 'never'] },
  quiet: { kind: 'flag', short: 'q', describe: 'Pull without progress' },
  'read-only': { kind: 'flag', describe: 'Mount the root filesystem read-only' },
  rm: { kind: 'flag', describe: 'Remove the container when it ends' },
  'security-opt': { kind: 'list', placeholder: 'OPTION', describe: 'no-new-privileges: set-user-ID programs gain no privileges' },
  'shm-size': { kind: 'value', placeholder: 'SIZE', describe: 'Size of /dev/shm (64m)' },
  'stop-signal': { kind: 'value', placeholder: 'SIGNAL', describe: 'The signal that stop sends' },
  tmpfs: { kind: 'list', placeholder: 'DIR[:OPTIONS]', describe: 'Mount an empty tmpfs; size=, mode=, uid=, gid=, ro, exec' },
  tty: { kind: 'flag', short: 't', describe: 'Allocate a terminal' },
  ulimit: { kind: 'list', placeholder: 'NAME=SOFT[:HARD]', describe: 'Set a resource limit' },
  user: { kind: 'value', short: 'u', placeholder: 'USER[:GROUP]', describe: 'Run as this user' },
  volume: { kind: 'list', short: 'v', placeholder: 'SRC:DST[:ro]', describe: 'Mount a directory, a file or a volume by name; DST alone makes a new volume' },
  'volumes-from': { kind: 'list', placeholder: 'CONTAINER[:ro]', describe: 'Mount the volumes of another container' },
  workdir: { kind: 'value', short: 'w', placeholder: 'DIR', describe: 'The working directory' },
  ...dockerFlagTable,
} as const satisfies OptionTable; // biome-ignore format: one option a line

/** What these options are. */
export type CreateFlags = OptionValues<typeof createOptionTable>;

/** @throws UsageError, CommandError for a file that cannot be read, BuildError */
export function createOptions(flags: CreateFlags, operands: readonly string[], host: Host): CreateOptions {
  refuseDockerFlags(flags);
  const [image = '', ...command] = operands;
  const mounts = mountsOf(flags, host);
  const ports = parsePublished(flags.publish);
  const network = parseNetwork(flags.network ?? flags.net, ports.length > 0, host);
  const shm = flags['shm-size'];
  const shmSize = shm === undefined ? undefined : parseSize(shm);
  if (shm !== undefined && shmSize === undefined)
    throw wrong(`invalid --shm-size ${JSON.stringify(shm)}`, 'write 64m or 1g');
  const { workdir, name, user, hostname, entrypoint } = flags;
  const stopSignal = flags['stop-signal'];
  if (stopSignal) signalNumber(stopSignal);
  if (workdir && !workdir.startsWith('/')) {
    throw wrong(`the working directory ${JSON.stringify(workdir)} is invalid, it needs to be an absolute path`);
  }
  return {
    image,
    command,
    environment: environmentOf(flags, host),
    labels: labelsOf(flags, host),
    ...mounts,
    terminal: flags.tty,
    openStdin: flags.interactive,
    network,
    ports: network === 'private' ? ports : [],
    exposedPorts: [...parseExposed(flags.expose), ...ports.map((port) => `${port.containerPort}/${port.protocol}`)],
    readOnly: flags['read-only'],
    hosts: flags['add-host'].map(parseHost),
    init: flags.init,
    ...rightsOf(flags),
    isolation: (flags.isolation ?? 'auto') as CreateOptions['isolation'],
    autoRemove: flags.rm,
    ...(name ? { name } : {}),
    ...(user ? { user } : {}),
    ...(hostname ? { hostname } : {}),
    ...(workdir ? { workingDirectory: workdir } : {}),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
    ...(flags.platform ? { platform: parsePlatform(flags.platform) } : {}),
    ...(stopSignal ? { stopSignal } : {}),
    ...(shmSize === undefined ? {} : { shmSize }),
  };
}

/** Variables of `--env-file` and, over them, of `--env`: `KEY=value`, or `KEY` for one that is to go. @throws UsageError */
export function environmentOf(flags: Pick<CreateFlags, 'env' | 'env-file'>, host: Host): readonly string[] {
  return [
    ...flags['env-file'].flatMap((file) => readEnvironment(file, host)),
    ...flags.env.flatMap((text) => fromShell(text, host)),
  ];
}

/** `bridge` and `default` are docker's words for what a user-mode network is here. */
function parseNetwork(text: string | undefined, hasPorts: boolean, host: Host): NetworkMode {
  if (text === 'none') return 'none';
  if (text === 'host') {
    if (hasPorts) host.stderr.write('WARNING: Published ports are discarded when using host network mode\n');
    return 'host';
  }
  const wantsPrivate = ['private', 'bridge', 'pasta', 'slirp4netns'].includes(text ?? '');
  if (text !== undefined && !wantsPrivate && text !== 'default') {
    throw wrong(`network ${JSON.stringify(text)} not found`, 'expected host, none or private');
  }
  if (!wantsPrivate && !hasPorts) return 'host';
  if (!hasPrivateNetwork()) throw noPrivateNetwork(hasPorts ? '--publish' : `--network ${text}`);
  return 'private';
}

/** Of `--label-file`: a label a line, `#` begins a comment line. Those of `--label` win. */
function labelsOf(flags: Pick<CreateFlags, 'label' | 'label-file'>, host: Host): ReadonlyMap<string, string> {
  const listed = flags['label-file'].flatMap((file) => linesOf(file, '--label-file', host));
  return new Map([...listed, ...flags.label].map(parseLabel));
}

function parseLabel(text: string): [string, string] {
  if (text === '' || text.startsWith('=')) throw wrong(`invalid label '${text}': empty name`);
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** `KEY` takes its value from here; one that is not set here takes the image's away. */
function fromShell(text: string, host: Host): readonly string[] {
  if (text === '' || text.startsWith('=')) throw wrong(`invalid environment variable: ${JSON.stringify(text)}`);
  if (text.includes('=')) return [text];
  const value = host.env[text];
  return value === undefined ? [text] : [`${text}=${value}`];
}

/** Docker's files: a variable a line, no quotes, `#` begins a comment line. */
function readEnvironment(file: string, host: Host): readonly string[] {
  return linesOf(file, '--env-file', host).flatMap((line) => {
    if (/\s/.test(line.split('=')[0] ?? ''))
      throw wrong(`${file}: variable ${JSON.stringify(line.split('=')[0])} contains whitespaces`);
    return line.includes('=') ? [line] : host.env[line] === undefined ? [] : [`${line}=${host.env[line]}`];
  });
}

/** The lines of a file that a flag names, without comments. @throws CommandError */
function linesOf(file: string, flag: string, host: Host): readonly string[] {
  let text: string;
  try {
    text = readFileSync(resolve(host.cwd, file), 'utf8');
  } catch (error) {
    throw new CommandError(`cannot read ${flag} ${file}: ${(error as Error).message}`, { cause: error });
  }
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').replace(/^\s+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function wrong(message: string, hint?: string): UsageError {
  return new UsageError(message, { command: 'run', ...(hint === undefined ? {} : { hint }) });
}
