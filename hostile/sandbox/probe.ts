/** A shell script that a RUN tries; exit code 0 is success. */
export interface Probe {
  readonly name: string;
  readonly script: string;
  /** Lines of the Dockerfile that come before it. */
  readonly before?: readonly string[];
  /** Options of its RUN. */
  readonly options?: string;
  /** Programs that the base must have, else it is not tried. */
  readonly needs?: readonly string[];
  /** Modes that cannot do it, and why: documented, and no failure. */
  readonly lacking?: Readonly<Partial<Record<ModeName, string>>>;
}

/** The ways in which commands can be run. */
export type ModeName = 'root, runc' | 'root, util-linux' | 'user, subuids' | 'user, single id';

/** What an escape looks for; put into the place of `@NAME@` in scripts. */
export interface Prey {
  /** A folder of the host with `secret.txt`. */
  readonly CANARY: string;
  /** Minor number of a loop device of the host with the secret in it; `none` where there is none. */
  readonly LOOP: string;
  /** Port on the host's loopback that gives the secret. */
  readonly PORT: string;
  /** Name of an abstract socket of the host that gives the secret. */
  readonly SOCKET: string;
  /** Name of cgroups of the host, in the roots of its hierarchies, in which that process is. */
  readonly CGROUP: string;
  /** Process of the host that has the secret in its environment. */
  readonly PID: string;
}

/** Fills in the prey. */
export function scriptOf(probe: Pick<Probe, 'script'>, prey: Prey): string {
  const words = new Map<string, string>(Object.entries(prey));
  return probe.script.replace(/@([A-Z]+)@/g, (whole, name: string) => words.get(name) ?? whole);
}
