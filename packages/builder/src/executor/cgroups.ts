import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandoned, ownerState, ownerTag } from '@tsbuild/oci/internal';

const CGROUPS = '/sys/fs/cgroup';
/** The cgroup that holds one for each command of a runtime. */
const PARENT = 'tsbuild';
/** Before the names of those that we make. */
const OWN_PREFIX = 'tsbuild-';

/** A name for a command's cgroup that says whose it is. */
export function cgroupName(random: string): string {
  return `${ownerTag()}-${random}`;
}

/** The `cgroupsPath` for a runtime. */
export function cgroupPath(name: string): string {
  return `/${PARENT}/${name}`;
}

/**
 * Makes an empty cgroup for a command in every hierarchy that can be written to, below the one that this process is in: its limits
 * (a CI job's, or those of `systemd-run --scope`) hold for the command too. Who enters it before a cgroup namespace is made has
 * no more than it below the namespace's root: mounted in a user namespace, the tree ends there.
 * @returns the files that a process writes 0 to, to enter
 */
export function makeLeafCgroups(name: string): readonly string[] {
  return ownCgroups().flatMap((own) => {
    if (textOf(join(own, 'cgroup.procs')) === undefined) return []; // Not mounted here.
    const leaf = join(own, OWN_PREFIX + name);
    try {
      mkdirSync(leaf, { recursive: true, mode: 0o755 });
      inheritCpus(leaf);
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
  for (const path of pathsOf(name)) remove(path);
}

/** Whether the kernel ended a process of a command for want of memory, as far as its cgroup tells while it is there. */
export function wasOutOfMemory(name: string): boolean {
  // In v2 and in v1.
  const files = pathsOf(name).flatMap((path) =>
    ['memory.events', 'memory.oom_control'].map((file) => join(path, file)),
  );
  return files.some((file) => /^oom_kill [1-9]/m.test(textOf(file) ?? ''));
}

/** Removes the cgroups of processes that are gone. */
export function removeStaleCgroups(): void {
  for (const { directory, prefix } of places()) {
    for (const entry of list(directory)) {
      if (!entry.startsWith(prefix)) continue;
      const path = join(directory, entry);
      // The form without a third part is that of earlier versions.
      const tag = /^(\d+-\d+(?:-[0-9a-f]{8})?)-[0-9a-f]+$/.exec(entry.slice(prefix.length))?.[1];
      const age = (): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (tag !== undefined && isAbandoned(ownerState(tag), age)) remove(path);
    }
  }
}

/** Where a command's cgroup can be, in every hierarchy. */
function pathsOf(name: string): readonly string[] {
  return places().map(({ directory, prefix }) => join(directory, prefix + name));
}

/** A directory that holds cgroups of commands, and what their names there begin with. */
interface CgroupPlace {
  readonly directory: string;
  readonly prefix: string;
}

/** Below our own cgroup, and where runtimes make theirs: in the one hierarchy of cgroup v2, or in each of v1. */
function places(): readonly CgroupPlace[] {
  const roots = [CGROUPS, ...list(CGROUPS).map((name) => join(CGROUPS, name))];
  return [
    ...ownCgroups().map((directory) => ({ directory, prefix: OWN_PREFIX })),
    ...roots.map((root) => ({ directory: join(root, PARENT), prefix: '' })),
  ];
}

/** This process's own cgroup in each hierarchy (cgroups(7), /proc/PID/cgroup). */
function ownCgroups(): readonly string[] {
  const lines = (textOf('/proc/self/cgroup') ?? '').split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    // Version 2 is at the top, or beside the hierarchies of version 1; `name=systemd` is one without controllers.
    const names = controllers === '' ? ['', 'unified'] : [controllers.replace(/^name=/, '')];
    // Seen from inside a cgroup namespace, a cgroup outside of it begins with `/..`.
    const own = path.startsWith('/..') ? '/' : path;
    return names.map((name) => join(CGROUPS, name, own));
  });
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
