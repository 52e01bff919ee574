import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8ToByteString } from '@tsbuild/oci';
import { canBeSecret } from '../executor/environment/secret-name.ts';
import type { ExecSpec, RunMount, RunSpec, TerminalSize } from '../executor/executor.ts';
import { DEFAULT_PATH } from '../ops/default-path.ts';
import { containerUser } from './accounts.ts';
import type { Container } from '../container-state/container.ts';
import type { ContainerMount } from '../container-state/container-config.ts';
import { containerRights } from './container-rights.ts';
import { mergeEnvironment } from './run-config.ts';

/** What a start of the container runs. @throws BuildError `RUN_FAILED` for a user that it does not have */
export function containerSpec(container: Container, size: TerminalSize): RunSpec {
  const { config } = container;
  writeSystemFiles(container);
  const user = containerUser(container, config.config.User ?? '');
  const terminal = config.terminal ? { TERM: 'xterm' } : {};
  const env = mergeEnvironment(defaults(config.hostname, user.home, terminal), config.config.Env ?? []);
  return {
    argv: config.argv,
    ...hideValues(env),
    cwd: config.config.WorkingDir || '/',
    user,
    root: {
      kind: 'overlay',
      lower: container.lower,
      upper: container.upper,
      work: container.work,
      durable: true,
    },
    files: [],
    mounts: config.mounts.map(runMount),
    network: config.network,
    hostname: config.hostname,
    readOnly: config.readOnly,
    ...containerRights(config),
    ...(config.limits === undefined ? {} : { limits: config.limits }),
    ...(config.shmSize === undefined ? {} : { shmSize: config.shmSize }),
    ...(config.terminal ? { terminal: size } : {}),
  };
}

/** Passwords are often given as variables; arguments of processes, where variables may come by, are seen by everybody. */
function hideValues(env: readonly string[]): Pick<RunSpec, 'env' | 'secretEnv'> {
  const nameOf = (pair: string): string => pair.slice(0, pair.indexOf('='));
  const hidden = env.filter((pair) => canBeSecret(nameOf(pair)));
  return {
    env: env.filter((pair) => !hidden.includes(pair)),
    secretEnv: new Map(hidden.map((pair) => [nameOf(pair), pair.slice(nameOf(pair).length + 1)])),
  };
}

/** What `exec` asks for; what is left out is as the container has it. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory?: string | undefined;
  readonly user?: string | undefined;
  readonly terminal?: TerminalSize | undefined;
}

/** A further command in the container. @throws BuildError `RUN_FAILED` */
export function execSpec(container: Container, request: ExecRequest): ExecSpec {
  const { config } = container;
  const user = containerUser(container, request.user ?? config.config.User ?? '');
  const base = defaults(config.hostname, user.home, request.terminal === undefined ? {} : { TERM: 'xterm' });
  return {
    argv: request.argv,
    env: mergeEnvironment(mergeEnvironment(base, config.config.Env ?? []), request.environment),
    cwd: request.workingDirectory ?? (config.config.WorkingDir || '/'),
    user,
    ...(request.terminal === undefined ? {} : { terminal: request.terminal }),
  };
}

function defaults(hostname: string, home: string, more: Readonly<Record<string, string>>): readonly string[] {
  const all = { PATH: DEFAULT_PATH, HOSTNAME: hostname, ...more, HOME: home };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

function runMount(mount: ContainerMount): RunMount {
  const { target, isFile, readOnly, source, size, tmpfs } = mount;
  return {
    target: utf8ToByteString(target),
    file: isFile,
    readOnly,
    source:
      mount.kind === 'tmpfs'
        ? { kind: 'tmpfs', ...tmpfs, ...(size === undefined ? {} : { size }) }
        : { kind: 'host', path: source },
  };
}

/** Written anew at each start: the network may have changed since. */
function writeSystemFiles(container: Container): void {
  const { hostname } = container.config;
  const put = (name: string, text: string): void => writeFileSync(join(container.directory, name), text);
  const added = readFileSync(join(container.directory, 'hosts.added'), 'utf8');
  put('hostname', `${hostname}\n`);
  put('hosts', `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t${hostname}\n${added}`);
  put('resolv.conf', hostResolvers());
}

function hostResolvers(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return ''; // A machine without names.
  }
}
