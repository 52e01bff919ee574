import { BuildError } from '../diagnostics/build-error.ts';

/*
 * The last program of the host takes over the command's environment. These variables make a program load code or read
 * files, and the paths in them mean the image's files, not the host's: `ENV LD_PRELOAD=/context/evil.so` would run a
 * file of the host outside the sandbox. They are set by the image's own `env`, inside.
 */
const UNSAFE =
  /^(?:LD_|GLIBC_|GCONV_|MALLOC_|GETCONF_|NLS|LOC|LANGUAGE$|HOSTALIASES$|NIS_PATH$|RESOLV_|RES_OPTIONS$|TZDIR$|LIBMOUNT_|TEXTDOMAIN|OUTPUT_CHARSET$)/;

/** A command's environment, in the part that programs of the host may see and the part that they must not. */
export interface SplitEnvironment {
  readonly safe: readonly string[];
  readonly unsafe: readonly string[];
}

/** Splits `KEY=value` entries. @throws BuildError `RUN_FAILED` for an entry without a name */
export function splitEnvironment(env: readonly string[]): SplitEnvironment {
  const safe: string[] = [];
  const unsafe: string[] = [];
  for (const entry of env) {
    if (entry.indexOf('=') < 1) {
      throw new BuildError('RUN_FAILED', `invalid environment variable ${JSON.stringify(entry)}: expected NAME=value`);
    }
    (isUnsafeName(entry.slice(0, entry.indexOf('='))) ? unsafe : safe).push(entry);
  }
  return { safe, unsafe };
}

/** True for a variable that programs of the host must not see. */
export function isUnsafeName(name: string): boolean {
  return UNSAFE.test(name);
}
