import { didYouMean } from '../../grammar/suggest.ts';
import { CommandError } from '../../host/usage-error.ts';

/** What people name themselves: docker says `<no value>` of a key that is not there. */
const FREE: ReadonlySet<string> = new Set([
  'Labels', 'Annotations', 'ExposedPorts', 'Volumes', 'Ports', 'PortBindings', 'Networks', 'Options', 'Data',
]); // biome-ignore format: a list of words

/** What docker's documents have, and ours only where it says something; the value is the one of nothing. */
const UNSAID: Readonly<Record<string, unknown>> = {
  ArgsEscaped: false, Author: '', Cgroup: '', CgroupParent: '', Comment: '', Container: '', ContainerConfig: null, ContainerIDFile: '',
  Containers: 'N/A', CpuPeriod: 0, CpuQuota: 0, CpuShares: 0, CpusetCpus: '', CpusetMems: '', Devices: [], Dns: [], DnsOptions: [],
  DnsSearch: [], DockerVersion: '', Domainname: '', ExposedPorts: null, ExtraHosts: null, GroupAdd: null, Health: null, Healthcheck: null,
  Init: null, Links: null, MacAddress: '', MemoryReservation: 0, MemorySwap: 0, NetworkDisabled: false, OnBuild: null, OomKillDisable: null,
  OomScoreAdj: 0, OsVersion: '', Parent: '', PidsLimit: null, Platform: '', Runtime: '', SharedSize: 'N/A', Shell: null, Size: '',
  StopSignal: '', StopTimeout: null, Sysctls: null, Tmpfs: null, UTSMode: '', UniqueSize: 'N/A', UsernsMode: '', Variant: '', VirtualSize: 0,
  VolumeDriver: '', Volumes: null, Labels: null, Entrypoint: null, Cmd: null, Env: null, User: '', WorkingDir: '',
}; // biome-ignore format: a table

/** The value behind names. @throws CommandError for one that no such document has */
export function templateField(value: unknown, path: readonly string[]): unknown {
  let at = value;
  path.forEach((name, depth) => {
    at = memberOf(at, name, depth === 0 ? '' : (path[depth - 1] ?? ''));
  });
  return at;
}

function memberOf(owner: unknown, name: string, ownName: string): unknown {
  if ((owner === null || owner === undefined) && FREE.has(ownName)) return undefined;
  if (typeof owner !== 'object' || owner === null || Array.isArray(owner)) {
    throw new CommandError(
      `--format: .${name} is a field of nothing: ${ownName === '' ? 'what is there' : `.${ownName}`} has no fields`,
    );
  }
  if (Object.hasOwn(owner, name)) return (owner as Readonly<Record<string, unknown>>)[name];
  const names = Object.keys(owner);
  if (FREE.has(ownName)) return undefined;
  if (Object.hasOwn(UNSAID, name)) return UNSAID[name];
  throw new CommandError(`--format: there is no field ${JSON.stringify(name)}`, {
    hint: didYouMean(name, names) ?? `there are ${names.join(', ')}`,
  });
}
