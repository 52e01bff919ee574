import { spawn } from 'node:child_process';
import { BuildError } from '../errors.ts';

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What of the caller's environment git may see: how to find programs, the net, and keys for ssh. */
const PASSED =
  /^(?:PATH|SSH_AUTH_SOCK|GIT_SSH_COMMAND|GIT_SSL_CAINFO|SSL_CERT_FILE|SSL_CERT_DIR|TMPDIR|(?:https?|all|no)_proxy)$/i;

/** Runs the program `git` as nobody in particular: no configuration of the machine or user, no questions, no hooks. */
export class GitProgram {
  readonly #environment: Record<string, string>;
  readonly #secrets: readonly string[];

  /**
   * `remote` may hold a user name and a password, and `authorization` is a header for its host: git gets them by its
   * environment, so that neither its arguments nor what it writes hold them.
   */
  constructor(remote: string, environment: Environment, authorization?: string) {
    const passed = Object.entries(environment).filter(
      (pair): pair is [string, string] => PASSED.test(pair[0]) && pair[1] !== undefined,
    );
    const { configuration, secrets } = credentialsOf(remote, authorization);
    this.#secrets = secrets;
    this.#environment = {
      GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
      ...Object.fromEntries(passed),
      LC_ALL: 'C',
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: 'true',
      SSH_ASKPASS: 'true',
      // Nothing of this machine, and no program as a transport, also for submodules.
      GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
      ...configuration,
    };
  }

  /** Runs git in `directory`; returns what it prints. @throws BuildError `GIT_FAILED` */
  async run(args: readonly string[], directory: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'core.autocrlf=false', ...args], {
      cwd: directory,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let out = '';
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('latin1')));
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < 4000) said += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve);
      child.once('error', (error) => reject(signal.aborted ? signal.reason : startError(error)));
    });
    signal.throwIfAborted();
    if (code === 0) return out;
    throw new BuildError('GIT_FAILED', `git ${args[0] ?? ''} failed: ${this.#clean(said)}`);
  }

  #clean(text: string): string {
    const clean = this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, 'xxxxx'), text);
    return clean
      .trim()
      .split('\n')
      .slice(-3)
      .join('; ')
      .replace(/[\x00-\x1f\x7f]+/g, ' ');
  }
}

/** What git is told of credentials, and the texts that no message may hold. */
interface Credentials {
  readonly configuration: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

function credentialsOf(remote: string, authorization: string | undefined): Credentials {
  if (authorization !== undefined) {
    return {
      configuration: configured([
        `http.${headerScope(plainRemote(remote))}.extraHeader`,
        `Authorization: ${authorization}`,
      ]),
      secrets: [authorization, ...authorization.split(' ').slice(1)],
    };
  }
  const match = /^(https?:\/\/)([^/?#]*)@([^/?#]+)/i.exec(remote);
  if (match === null) return { configuration: {}, secrets: [] };
  const [, scheme = '', userinfo = '', host = ''] = match;
  const parts = userinfo.split(':').filter((part) => part.length > 3);
  return {
    configuration: configured([`url.${scheme}${userinfo}@${host}/.insteadOf`, `${scheme}${host}/`]),
    secrets: [userinfo, ...parts, ...parts.map(decoded)],
  };
}

/** One line of git's configuration, by the environment. */
function configured([key, value]: readonly [string, string]): Readonly<Record<string, string>> {
  return { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: value };
}

/** Where a header goes: to the repository alone; on GitHub, whose tokens are for all of it, to submodules as well. */
function headerScope(remote: string): string {
  return /^https:\/\/(?:www\.)?github\.com\//i.exec(remote)?.[0] ?? remote;
}

/** A remote as git's own files may hold it. */
export function plainRemote(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function startError(error: Error): BuildError {
  const isMissing = 'code' in error && error.code === 'ENOENT';
  return new BuildError(
    'GIT_FAILED',
    isMissing ? 'the program git is not installed' : `cannot run git: ${error.message}`,
    {
      hint: 'sources in git repositories need it (Debian: apt install git)',
      cause: error,
    },
  );
}
