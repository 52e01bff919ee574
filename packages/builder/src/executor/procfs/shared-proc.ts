import { BuildError } from '../../diagnostics/build-error.ts';
import { CAPABILITIES } from '../capabilities.ts';
import type { RunSpec } from '../executor.ts';
import { type IdMaps, readIdMaps } from '../id-map.ts';

/** The real user of the host's last programs: any that no command is root as. */
const HIDING = 65_534;

/*
 * A command that sees the processes around it can open their /proc/PID/root, and is in the container's own files then
 * (CVE-2016-9962). The kernel lets it (ptrace(2), "Ptrace access mode checking") where the process has the command's user, may
 * be dumped, and has no capability that the command lacks. So:
 *
 * - tsbuild itself, and all programs that set a sandbox up, have capabilities that no command gets (all of the user namespace's,
 *   or at least CAP_SYS_ADMIN). A command that asks for more than Docker's set is refused.
 * - Between `setpriv`, which takes those away, and the last program, which changes the root, the real user is another one
 *   than the effective. That makes a process that has executed something not dumpable, and its user not the command's.
 * - Where there is no second user to take, commands run one after the other: then nobody looks.
 * - No program joins a sandbox (`exec`): it would be seen before its root is the container's.
 *
 * Its pid namespace a command keeps: it can send no signals out of it, and the kernel ends all of it with the first process.
 */

/** What is different for commands that see the /proc around them. */
export class SharedProc {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the command, in its turn where commands must not see how others are started. @throws BuildError `SANDBOX_UNAVAILABLE` */
  async take<T>(spec: Pick<RunSpec, 'capabilities'>, run: () => Promise<T>): Promise<T> {
    refuseMore(spec.capabilities ?? []);
    if (readIdMaps().hasUid(HIDING)) return run();
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** For the `setpriv` that takes a command's capabilities away. */
  hidingOptions(ids: Pick<IdMaps, 'hasUid'>): readonly string[] {
    return ids.hasUid(HIDING) ? [`--ruid=${HIDING}`, '--euid=0'] : [];
  }

  /** @throws BuildError `SANDBOX_UNAVAILABLE` always */
  refuseToJoin(): never {
    throw new BuildError(
      'SANDBOX_UNAVAILABLE',
      'cannot join a container that sees the /proc around it: it could look into what joins it',
      { hint: 'Unmask /proc: --security-opt systempaths=unconfined (Kubernetes: procMount: Unmasked).' },
    );
  }
}

function refuseMore(asked: readonly string[]): void {
  const known: ReadonlySet<string> = new Set(CAPABILITIES);
  const [more] = asked.filter((name) => !known.has(name));
  if (more === undefined) return;
  throw new BuildError(
    'SANDBOX_UNAVAILABLE',
    `CAP_${more.toUpperCase()} cannot be given to a command that sees the /proc around it`,
    { hint: 'Unmask /proc: --security-opt systempaths=unconfined (Kubernetes: procMount: Unmasked).' },
  );
}
