import type { OptionTable, OptionValues } from '../grammar/options.ts';
import { UsageError } from '../host/usage-error.ts';

const LIMITS = 'limit single processes with --ulimit; for limits of the whole container use docker or podman';
const RESOLVER = 'mount your own file: -v ./resolv.conf:/etc/resolv.conf:ro';
const NETWORKS = 'only the networks host, none and private exist, and containers have no addresses of their own';
const NAMESPACES = 'a container always has its own';
const HEALTH = 'health checks are not run';

const refused = (kind: 'flag' | 'value' | 'list', instead: string) =>
  ({ kind, describe: '', later: true, instead }) as const;
const idle = (kind: 'flag' | 'value', unused: string) => ({ kind, describe: '', unused }) as const;
const silent = { kind: 'value', describe: '' } as const;

/** Flags of `docker run` that are refused, with what to do in their place, or that change nothing here. Not in the help. */
export const dockerFlagTable = {
  'blkio-weight': refused('value', LIMITS),
  'cgroup-parent': refused('value', LIMITS),
  'cpu-period': refused('value', LIMITS),
  'cpu-quota': refused('value', LIMITS),
  'cpu-shares': { ...refused('value', LIMITS), short: 'c' },
  cpus: refused('value', LIMITS),
  'cpuset-cpus': refused('value', LIMITS),
  'cpuset-mems': refused('value', LIMITS),
  device: refused('list', "only docker's default devices are available; for others use docker or podman"),
  'disable-content-trust': idle('flag', 'Notary signatures are not checked'),
  dns: refused('list', RESOLVER),
  'dns-option': refused('list', RESOLVER),
  'dns-search': refused('list', RESOLVER),
  domainname: refused('value', 'give the full name to --hostname'),
  gpus: refused('value', "only docker's default devices are available; for others use docker or podman"),
  'group-add': refused('list', 'add the user to /etc/group in the image, or name one group: --user USER:GROUP'),
  'health-cmd': idle('value', HEALTH),
  'health-interval': idle('value', HEALTH),
  'health-retries': idle('value', HEALTH),
  'health-start-interval': idle('value', HEALTH),
  'health-start-period': idle('value', HEALTH),
  'health-timeout': idle('value', HEALTH),
  ip: refused('value', NETWORKS),
  ip6: refused('value', NETWORKS),
  link: refused('list', NETWORKS),
  'log-opt': refused('list', "the log is docker's json-file, without a size limit"),
  'mac-address': refused('value', NETWORKS),
  memory: { ...refused('value', LIMITS), short: 'm' },
  'memory-reservation': refused('value', LIMITS),
  'memory-swap': refused('value', LIMITS),
  'network-alias': refused('list', NETWORKS),
  'no-healthcheck': idle('flag', HEALTH),
  'oom-kill-disable': refused('flag', LIMITS),
  'oom-score-adj': refused('value', LIMITS),
  'pids-limit': refused('value', LIMITS),
  privileged: refused('flag', 'add single capabilities with --cap-add; for full access to the machine use docker or podman'),
  'publish-all': { ...refused('flag', 'name the ports: -p 8080:80'), short: 'P' },
  runtime: refused('value', '--isolation runc'),
  'storage-opt': refused('list', 'a container may fill the disk that the store is on'),
  sysctl: refused('list', 'containers cannot change kernel settings'),
  'volume-driver': refused('value', 'volumes are directories of the store'),
  cgroupns: silent,
  ipc: silent,
  'log-driver': silent,
  pid: silent,
  restart: silent,
  userns: silent,
  uts: silent,
} as const satisfies OptionTable; // biome-ignore format: one option a line

type DockerFlags = OptionValues<typeof dockerFlagTable>;

/** Values of docker's that say what is so anyway; every other one is refused, with what to do in its place. */
const CHOICES = {
  cgroupns: [['private'], NAMESPACES],
  ipc: [['private', 'shareable'], NAMESPACES],
  'log-driver': [['json-file'], "the log is docker's json-file, which `tsbuild logs` reads"],
  pid: [[], NAMESPACES],
  restart: [
    ['no'],
    'let systemd start it: a unit with Restart=always and ExecStart=tsbuild run --rm --name NAME IMAGE',
  ],
  userns: [[], NAMESPACES],
  uts: [[], NAMESPACES],
} as const satisfies Partial<Record<keyof DockerFlags, readonly [readonly string[], string]>>;

/** @throws UsageError for a flag of docker's whose value is none that holds here */
export function refuseDockerFlags(flags: DockerFlags): void {
  for (const [name, [taken, hint]] of Object.entries(CHOICES)) {
    const value = flags[name as keyof typeof CHOICES];
    if (value === undefined || value === '' || (taken as readonly string[]).includes(value)) continue;
    throw new UsageError(`--${name}=${value} is not supported yet`, { command: 'run', hint });
  }
}
