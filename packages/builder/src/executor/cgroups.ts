import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { processStart } from '@tsbuild/oci/node';

const CGROUPS = '/sys/fs/cgroup';
/** The cgroup that holds one for each command. */
const PARENT = 'tsbuild';

/** A name for a command's cgroup that says whose it is. */
export function cgroupName(random: string): string {
  return `${process.pid}-${processStart(process.pid) ?? ''}-${random}`;
}

/** The `cgroupsPath` for a runtime. */
export function cgroupPath(name: string): string {
  return `/${PARENT}/${name}`;
}

/** Removes a command's cgroup from every hierarchy that has it; a runtime that was killed leaves it behind. */
export function removeCgroup(name: string): void {
  for (const parent of parents()) remove(join(parent, name));
}

/** Whether the kernel ended a process of a command for want of memory, as far as its cgroup tells while it is there. */
export function wasOutOfMemory(name: string): boolean {
  // In v2 and in v1.
  const files = parents().flatMap((parent) =>
    ['memory.events', 'memory.oom_control'].map((file) => join(parent, name, file)),
  );
  return files.some((file) => /^oom_kill [1-9]/m.test(textOf(file)));
}

/** Removes the cgroups of processes that are gone. */
export function removeStaleCgroups(): void {
  for (const parent of parents()) {
    for (const name of list(parent)) {
      const [, pid = '', started = ''] = /^(\d+)-(\d+)-[0-9a-f]+$/.exec(name) ?? [];
      if (pid !== '' && processStart(Number(pid)) !== started) remove(join(parent, name));
    }
  }
}

/** The parent in the one hierarchy of cgroup v2, or in each of v1. */
function parents(): readonly string[] {
  return [CGROUPS, ...list(CGROUPS).map((name) => join(CGROUPS, name))].map((path) => join(path, PARENT));
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return []; // Not mounted, or not this kind of hierarchy.
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // Not of this hierarchy.
  }
}

function remove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not there in this hierarchy, or still in use: the next start tries again.
  }
}
