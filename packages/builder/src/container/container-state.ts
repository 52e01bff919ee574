import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '@tsbuild/oci/node';
import { type ProcessIdentity, processState } from './process-identity.ts';

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

/** Replaces the state whole: readers see the one before or the one after. */
export function writeState(path: string, state: ContainerState): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(state)}\n`);
}

/**
 * The state as it is now. A container never outlives its monitor (the kernel sees to it), so when that is gone without
 * having said how the container ended, it was killed with it.
 */
export function readState(path: string): ContainerState {
  const state = parse(path);
  if (state.monitor === undefined || (state.status !== 'running' && state.status !== 'paused')) return state;
  const monitor = processState(state.monitor);
  if (monitor === 'running' || monitor === 'unknown') return state;
  const { process: _gone, monitor: _too, ...rest } = state;
  return {
    ...rest,
    status: 'exited',
    exitCode: monitor === 'rebooted' ? LOST : KILLED,
    finishedAt: new Date().toISOString(),
    error: monitor === 'rebooted' ? 'the machine was restarted' : "the container's monitor was killed",
  };
}

function parse(path: string): ContainerState {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ContainerState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return CREATED;
    throw error;
  }
}
