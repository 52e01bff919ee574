import { shellWord } from '../terminal.ts';

/** An environment in the part that a shell can set without anybody seeing it, and the rest. */
export interface ShellEnvironment {
  /** Commands that export the values: they must come by a descriptor. */
  readonly script: string;
  /** The names that {@link script} exports. */
  readonly names: ReadonlySet<string>;
  /** `KEY=value` entries that a shell cannot carry, or that mean something to it. */
  readonly rest: readonly string[];
}

/* What shells (dash, bash, busybox) have of their own, cannot be set to, or act upon. */
const SHELLS_OWN =
  /^(?:_|BASH.*|COMP_.*|DIRSTACK|EPOCH\w*|E?UID|FUNCNAME|FUNCNEST|GROUPS|HIST\w*|IFS|LANG|LC_\w*|LINENO|MAIL\w*|OLDPWD|OPT\w*|PIPESTATUS|POSIXLY_CORRECT|PPID|PS\d|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|SRANDOM|TMOUT)$/;

/** For `env`: takes away what a shell has exported unasked. */
const MADE_BY_SHELLS = ['PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'] as const;

/** True when a shell can export a variable of this name like any other. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELLS_OWN.test(name);
}

/** Splits `KEY=value` entries. */
export function shellEnvironment(env: readonly string[]): ShellEnvironment {
  const exported: string[] = [];
  const names = new Set<string>();
  const rest: string[] = [];
  for (const entry of env) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    if (!isPlainName(name)) {
      rest.push(entry);
      continue;
    }
    names.add(name);
    exported.push(`export ${name}=${shellWord(entry.slice(at + 1))}\n`);
  }
  return { script: exported.join(''), names, rest };
}

/*
 * Only what the shell itself can do: a process that it started here might be born where a container sees it. `read` takes
 * a byte at a time, and can read from any descriptor.
 */
const READ = (descriptor: number): string => `text=
while IFS= read -r line <&${descriptor}; do text="$text$line
"; done
exec ${descriptor}<&-
eval "$text"
exec "$@"`;

/**
 * A command that makes the environment anew, with {@link ShellEnvironment.script} read from a descriptor, and goes on to
 * the program whose words come after: every user of the machine can read the arguments of a process (/proc/PID/cmdline), but
 * not its environment.
 */
export function givenEnvironment(tool: string, environment: ShellEnvironment, descriptor: number): readonly string[] {
  const unasked = MADE_BY_SHELLS.filter((name) => !environment.names.has(name));
  return [
    // Where a shell asks for its working directory and that is in another root, it complains: this name is right anywhere.
    tool, '-i', 'PWD=/proc/self/cwd', '/bin/sh', '-euc', READ(descriptor), 'environment',
    tool, ...unasked.flatMap((name) => ['-u', name]), '--', ...environment.rest,
  ]; // biome-ignore format: one program a line
}
