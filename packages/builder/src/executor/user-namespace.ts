/** A program to start in this one's place. */
export interface UserNamespaceCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What the mode lacks, one line for people; undefined when nothing. */
  readonly warning?: string;
}

/** True when this process is an ordinary user, who needs a user namespace before anything can be run or unpacked. */
export function needsUserNamespace(): boolean {
  return process.geteuid?.() !== 0;
}

/** How to run `argv` once more as uid 0 of a new user namespace. @throws BuildError `SANDBOX_UNAVAILABLE` */
export function userNamespaceCommand(argv: readonly string[]): UserNamespaceCommand {
  throw new Error(`not there yet: ${argv.join(' ')}`);
}

/** Runs {@link userNamespaceCommand}, passes signals on, and gives the exit code to leave with. */
export function runInUserNamespace(argv: readonly string[]): Promise<number> {
  throw new Error(`not there yet: ${argv.join(' ')}`);
}
