import { join } from 'node:path';
import type { Container } from '../container-state/container.ts';
import { SHM_SIZE } from '../executor/sandbox-mounts.ts';
import type { ContainerDescription, ContainerMount } from '../container-state/container-config.ts';

/** Docker's way to write a time that there is not. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** Its network is the machine's, or behind a user-mode tool: no address of its own is seen from outside. */
const NO_ADDRESS = { Gateway: '', IPAddress: '', IPPrefixLen: 0, MacAddress: '' };

/** A container as `docker container inspect` prints it. */
export function containerDocument(container: Container): Readonly<Record<string, unknown>> {
  const { config, directory } = container;
  const state = container.state();
  const [path = '', ...args] = config.argv;
  return {
    Id: config.id,
    Created: config.created,
    Path: path,
    Args: args,
    State: {
      Status: state.status,
      Running: state.status === 'running' || state.status === 'paused',
      Paused: state.status === 'paused',
      Restarting: false,
      OOMKilled: state.outOfMemory ?? false,
      Dead: false,
      Pid: state.process?.pid ?? 0,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt || NO_TIME,
      FinishedAt: state.finishedAt || NO_TIME,
    },
    Image: config.image.id,
    ResolvConfPath: join(directory, 'resolv.conf'),
    HostnamePath: join(directory, 'hostname'),
    HostsPath: join(directory, 'hosts'),
    LogPath: container.logPath,
    Name: `/${config.name}`,
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfig(container),
    GraphDriver: {
      Data: {
        LowerDir: container.lower.toReversed().join(':'),
        MergedDir: join(directory, 'merged'),
        UpperDir: container.upper,
        WorkDir: container.work,
      },
      Name: 'overlay2',
    },
    Mounts: config.mounts.filter(isShown).toSorted(byDestination).map(mountDocument),
    Config: configDocument(container),
    NetworkSettings: {
      Ports: state.status === 'running' || state.status === 'paused' ? openPorts(config) : {},
      ...NO_ADDRESS,
      Networks: { [config.network]: NO_ADDRESS },
    },
  };
}

function hostConfig({ config }: Container): object {
  const binds = config.mounts.filter(({ kind, volume, anonymous }) => kind === 'bind' || (volume && !anonymous));
  return {
    Binds:
      binds.length === 0
        ? null
        : binds.map(
            ({ source, destination, readOnly, volume }) => `${volume ?? source}:${destination}${readOnly ? ':ro' : ''}`,
          ),
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: config.network,
    PortBindings: portMap(config),
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: config.autoRemove,
    VolumesFrom: null,
    CapAdd: shownCapabilities(config.capAdd),
    CapDrop: shownCapabilities(config.capDrop),
    SecurityOpt: config.noNewPrivileges === true ? ['no-new-privileges'] : null,
    Ulimits: config.limits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })) ?? [],
    IpcMode: 'private',
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: config.readOnly,
    ShmSize: config.shmSize ?? SHM_SIZE,
    Memory: 0,
    NanoCpus: 0,
    Isolation: config.isolation,
  };
}

function shownCapabilities(names: readonly string[] | undefined): readonly string[] | null {
  return names?.map((name) => (name === 'all' ? 'ALL' : `CAP_${name.toUpperCase()}`)) ?? null;
}

function configDocument({ config }: Container): object {
  const { config: image } = config;
  return {
    Hostname: config.hostname,
    Domainname: '',
    User: image.User ?? '',
    AttachStdin: config.openStdin,
    Tty: config.terminal,
    OpenStdin: config.openStdin,
    StdinOnce: config.openStdin && !config.terminal,
    Env: image.Env ?? [],
    Cmd: image.Cmd ?? null,
    Image: config.image.name,
    Volumes: image.Volumes ?? null,
    WorkingDir: image.WorkingDir ?? '',
    Entrypoint: image.Entrypoint ?? null,
    OnBuild: image.OnBuild ?? null,
    Labels: image.Labels ?? {},
    ...(image.ExposedPorts === undefined ? {} : { ExposedPorts: image.ExposedPorts }),
    ...(image.StopSignal === undefined ? {} : { StopSignal: image.StopSignal }),
  };
}

/** In a network of its own a port that is not mapped can be reached by nobody, and is there: docker's null. */
function openPorts(config: ContainerDescription): object {
  const exposed = config.network === 'private' ? Object.keys(config.config.ExposedPorts ?? {}) : [];
  return { ...Object.fromEntries(exposed.map((port) => [port, null])), ...portMap(config) };
}

function portMap(config: ContainerDescription): object {
  const map: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { protocol, address, hostPort, containerPort } of config.ports) {
    const key = `${containerPort}/${protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: address || '0.0.0.0', HostPort: String(hostPort) }];
  }
  return map;
}

function byDestination(a: ContainerMount, b: ContainerMount): number {
  return a.destination < b.destination ? -1 : 1;
}

/** The files of the container itself are no mounts that anybody asked for. */
function isShown({ kind }: ContainerMount): boolean {
  return kind !== 'file';
}

function mountDocument({ kind, source, destination, readOnly, volume, anonymous }: ContainerMount): object {
  return {
    Type: kind,
    ...(volume === undefined ? {} : { Name: volume }),
    Source: source,
    Destination: destination,
    ...(volume === undefined ? {} : { Driver: 'local' }),
    // Docker's word for a named volume, whatever its SELinux label is.
    Mode: readOnly ? 'ro' : volume !== undefined && anonymous !== true ? 'z' : '',
    RW: !readOnly,
    Propagation: kind === 'bind' ? 'rprivate' : '',
  };
}
