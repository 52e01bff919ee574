import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandoned, ownerState, ownerTag } from '@tsbuild/oci/internal';

const CGROUPS = '/sys/fs/cgroup';
/** The cgroup that holds one for each command. */
const PARENT = 'tsbuild';

/** A name for a command's cgroup that says whose it is. */
export function cgroupName(random: string): string {
  return `${ownerTag()}-${random}`;
}

/** The `cgroupsPath` for a runtime. */
export function cgroupPath(name: string): string {
  return `/${PARENT}/${name}`;
}

/**
 * Makes an empty cgroup for a command in every hierarchy that can be written to. Who enters it before a cgroup namespace is made has
 * no more than it below the namespace's root: mounted in a user namespace, the tree ends there.
 * @returns the files that a process writes 0 to, to enter
 */
export function makeLeafCgroups(name: string): readonly string[] {
  return parents().flatMap((parent) => {
    // Beside the hierarchies of cgroup v1 lies a directory that is none.
    if (textOf(join(parent, '..', 'cgroup.procs')) === undefined) return [];
    const leaf = join(parent, name);
    try {
      for (const path of [parent, leaf]) {
        mkdirSync(path, { recursive: true, mode: 0o755 });
        inheritCpus(path);
      }
      return [join(leaf, 'cgroup.procs')];
    } catch {
      return []; // A read-only one, or no root's.
    }
  });
}

/** In cgroup v1 nobody can enter a cpuset without processors and memory, and a new one has none. */
function inheritCpus(path: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if (textOf(join(path, name))?.trim() !== '') continue;
    const inherited = textOf(join(path, '..', name))?.trim() ?? '';
    if (inherited !== '') writeFileSync(join(path, name), inherited);
  }
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
  return files.some((file) => /^oom_kill [1-9]/m.test(textOf(file) ?? ''));
}

/** Removes the cgroups of processes that are gone. */
export function removeStaleCgroups(): void {
  for (const parent of parents()) {
    for (const name of list(parent)) {
      const path = join(parent, name);
      // The form without a third part is that of earlier versions.
      const tag = /^(\d+-\d+(?:-[0-9a-f]{8})?)-[0-9a-f]+$/.exec(name)?.[1];
      const age = (): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (tag !== undefined && isAbandoned(ownerState(tag), age)) remove(path);
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

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // Not of this hierarchy.
  }
}

function remove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not there in this hierarchy, or still in use: the next start tries again.
  }
}
