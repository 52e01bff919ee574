import type { Container } from '@tsbuild/builder';
import { showPorts } from './ports.ts';
import { humanAge, humanDuration } from '../output/human.ts';

/** A container as `docker ps` lists it; the names are those of its templates. */
export interface ContainerRow {
  readonly ID: string;
  readonly Image: string;
  readonly Command: string;
  readonly CreatedAt: string;
  readonly RunningFor: string;
  readonly Ports: string;
  readonly State: string;
  readonly Status: string;
  readonly Names: string;
  readonly Labels: string;
  readonly Mounts: string;
  readonly Networks: string;
  readonly LocalVolumes: string;
}

const LONGEST_COMMAND = 20;
const LONGEST_MOUNT = 15;

/** @param whole nothing is cut short */
export function containerRow(container: Container, whole: boolean, now: number): ContainerRow {
  const { config } = container;
  const state = container.state();
  const command = config.argv.map((word, i) => (i > 0 && word.includes(' ') ? `'${word}'` : word)).join(' ');
  return {
    ID: whole ? container.id : container.shortId,
    Image: config.image.name,
    Command: JSON.stringify(shortened(command, LONGEST_COMMAND, whole)),
    CreatedAt: `${config.created.slice(0, 19).replace('T', ' ')} +0000 UTC`,
    RunningFor: humanAge(config.created, now),
    Ports: state.status === 'running' ? showPorts(config.ports, reachablePorts(config)) : '',
    State: state.status,
    Status: statusText(state, now),
    Names: config.name,
    Labels: Object.entries(config.config.Labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: config.mounts
      .filter(({ kind }) => kind === 'bind' || kind === 'volume')
      .map(({ source, volume }) => shortened(volume ?? source, LONGEST_MOUNT, whole))
      .join(','),
    Networks: config.network,
    LocalVolumes: String(config.mounts.filter(({ volume }) => volume !== undefined).length),
  };
}

/** On the host's network every port is the machine's own, and without a network there are none: docker lists neither. */
function reachablePorts({ network, config }: Container['config']): readonly string[] {
  return network === 'private' ? Object.keys(config.ExposedPorts ?? {}) : [];
}

function shortened(text: string, length: number, whole: boolean): string {
  const characters = Array.from(text);
  return whole || characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** `Up 5 seconds`, `Exited (0) 2 minutes ago`, `Created`. */
function statusText(state: ReturnType<Container['state']>, now: number): string {
  if (state.status === 'created') return 'Created';
  const since = humanDuration(Math.max(0, now - Date.parse(state.startedAt)));
  if (state.status === 'running') return `Up ${since}`;
  if (state.status === 'paused') return `Up ${since} (Paused)`;
  return `Exited (${state.exitCode}) ${humanAge(state.finishedAt, now)}`;
}
