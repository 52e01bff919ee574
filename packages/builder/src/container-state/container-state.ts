import { readFileSync } from 'node:fs';
import {
  decodeIdentity,
  isOfThisBoot,
  type ProcessIdentity,
  processState,
  sealJson,
  unsealJson,
  writeFileAtomic,
} from '@tsbuild/oci/internal';

/** What became of a container: `containers/<id>/state.json`, written by its monitor. */
export interface ContainerState {
  readonly status: 'created' | 'running' | 'paused' | 'exited';
  /** Of the container's first process, while it runs. */
  readonly process?: ProcessIdentity;
  /** Of the process that looks after it, from before it starts until after it ended. */
  readonly monitor?: ProcessIdentity;
  readonly exitCode: number;
  /** RFC 3339; empty before. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** The kernel ended one of its processes for want of memory. */
  readonly outOfMemory?: boolean;
  /** Why it was not started, or what went wrong with it. */
  readonly error: string;
}

/** Of a container that was never started. */
const CREATED: ContainerState = { status: 'created', exitCode: 0, startedAt: '', finishedAt: '', error: '' };

/** Killed by SIGKILL. */
const KILLED = 137;
/** What became of it nobody saw. */
const LOST = 255;

/** Of a container whose state cannot be read: it is there, and may be started or removed. */
const DAMAGED: ContainerState = {
  status: 'exited',
  exitCode: LOST,
  startedAt: '',
  finishedAt: '',
  error: 'its state file is damaged',
};

/** Replaces the state whole: readers see the one before or the one after. */
export function writeState(path: string, state: ContainerState): Promise<void> {
  return writeFileAtomic(path, sealJson(state));
}

/**
 * The state as it is now. A container never outlives its monitor (the kernel sees to it), so when that is gone without
 * having said how the container ended, it was killed with it.
 */
export function readState(path: string): ContainerState {
  const state = parse(path);
  if (state.monitor === undefined || (state.status !== 'running' && state.status !== 'paused')) return state;
  // A container is of one machine: where the boot is another, that machine was restarted.
  const rebooted = !isOfThisBoot(state.monitor);
  if (!rebooted && processState(state.monitor) !== 'gone') return state;
  const { process: _gone, monitor: _too, ...rest } = state;
  return {
    ...rest,
    status: 'exited',
    exitCode: rebooted ? LOST : KILLED,
    finishedAt: new Date().toISOString(),
    error: rebooted ? 'the machine was restarted' : "the container's monitor was killed",
  };
}

function parse(path: string): ContainerState {
  try {
    const state = unsealJson(readFileSync(path, 'utf8'))?.value;
    return isState(state) ? state : DAMAGED;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return CREATED;
    throw error;
  }
}

const STATUSES: readonly unknown[] = ['created', 'running', 'paused', 'exited'] satisfies ContainerState['status'][];

/** Tells a state from other JSON. */
export function isState(value: unknown): value is ContainerState {
  if (typeof value !== 'object' || value === null) return false;
  const { status, exitCode, startedAt, finishedAt, error, process: own, monitor } = value as Record<string, unknown>;
  const texts = [startedAt, finishedAt, error].every((text) => typeof text === 'string');
  return texts && STATUSES.includes(status) && Number.isInteger(exitCode) && [own, monitor].every(isIdentity);
}

function isIdentity(value: unknown): boolean {
  return value === undefined || decodeIdentity(value) !== undefined;
}
