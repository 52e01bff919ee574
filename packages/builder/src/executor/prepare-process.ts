import { readIdMaps } from './id-map.ts';
import type { Isolation } from './executor.ts';
import { runtimeFor } from './runc-executor.ts';
import { confineThread } from './seccomp/confine-thread.ts';
import { leaveSessionKeyring } from './session-keyring.ts';
import { blockNestedUserNamespaces } from './user-namespace.ts';

let prepared = false;

/**
 * Changes this process so that the commands which it starts get less of it; for good, and for all that it starts from now on.
 * Nothing else in the library changes the process, so a program that runs commands of others calls it once, on its main
 * thread, before the first of them: itself, or by `beforeCommands` of a build, which costs a cached build nothing.
 *
 * - The session keyring is left: a command could read the keys that its caller's login keeps there.
 * - Where no runtime such as runc is used, the main thread gets a seccomp filter: no user namespaces, no keyrings, and none of
 *   the kernel's parts that no build needs.
 * - In a user namespace that `runInUserNamespace` made there can be no further ones.
 *
 * Does nothing for an ordinary user outside such a namespace, who can run no commands. What the machine lacks for it
 * `examineMachine()` tells, and a build as a notice. Never throws.
 * @param isolation what the builds will ask for
 */
export async function prepareProcess(isolation: Isolation = 'auto'): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  prepared = true;
  blockNestedUserNamespaces();
  await leaveSessionKeyring();
  if (runtimeFor(isolation, readIdMaps().nested) === undefined) await confineThread();
}

/** Whether {@link prepareProcess} was called, by whoever may. */
export function isProcessPrepared(): boolean {
  return prepared;
}
