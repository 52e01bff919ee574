import { spawn } from 'node:child_process';
import { BuildError } from '../diagnostics/build-error.ts';
import type { GitCredential } from './git-credentials.ts';
import type { MovedRepository } from './git-redirects.ts';
import { SilenceWatch } from './silence-watch.ts';

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What of the caller's environment git may see: how to find programs, the net, and keys for ssh. */
const PASSED =
  /^(?:PATH|SSH_AUTH_SOCK|GIT_SSH_COMMAND|GIT_SSL_CAINFO|SSL_CERT_FILE|SSL_CERT_DIR|TMPDIR|(?:https?|all|no)_proxy)$/i;

/** Redirects in a row, and of submodules, that one command may run into. */
const HOPS = 50;

/** How long git may neither end nor tell of progress, in milliseconds. */
const SILENCE = 120_000;

/** How git reaches the world. */
export interface GitProgramOptions {
  readonly environment: Environment;
  readonly credential: GitCredential | undefined;
  /** Finds out where a repository lies that answered with a redirect; `credentials` are those in use so far. */
  readonly find: (
    url: string,
    credentials: readonly GitCredential[],
    signal: AbortSignal,
  ) => Promise<MovedRepository | undefined>;
  /** How long git may be silent, in milliseconds; two minutes unless told. */
  readonly silence?: number | undefined;
}

/** Runs the program `git` as nobody in particular: no configuration of the machine or user, no questions, no hooks. */
export class GitProgram {
  readonly #options: GitProgramOptions;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #silence: number;
  readonly #credentials: GitCredential[];
  readonly #moved: (readonly [string, string])[] = [];
  /** The last place that a credential was not sent to. */
  #withheld: { readonly from: string; readonly to: string } | undefined;

  constructor(options: GitProgramOptions) {
    this.#options = options;
    this.#silence = options.silence ?? SILENCE;
    this.#credentials = options.credential === undefined ? [] : [options.credential];
    const passed = Object.entries(options.environment).filter(
      (pair): pair is [string, string] => PASSED.test(pair[0]) && pair[1] !== undefined,
    );
    this.#environment = {
      GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30',
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
    };
  }

  /**
   * Runs git in `directory`; returns what it prints. A repository that redirects is looked for at its new place, and the
   * command run again.
   * @throws BuildError `GIT_FAILED`
   */
  async run(args: readonly string[], directory: string, signal: AbortSignal): Promise<string> {
    for (let hop = 0; ; hop++) {
      const { code, out, said } = await this.#once(args, directory, signal);
      if (code === 0) return out;
      const redirected = hop < HOPS ? redirectedURL(said) : undefined;
      if (redirected !== undefined && (await this.#follow(redirected, signal))) continue;
      throw new BuildError('GIT_FAILED', `git ${args[0] ?? ''} failed: ${this.#clean(said)}`, this.#hint(said));
    }
  }

  #hint(said: string): { readonly hint?: string } {
    if (this.#withheld === undefined || !/could not read Username|Authentication failed|error: 40[134]\b/.test(said)) {
      return {};
    }
    const { from, to } = this.#withheld;
    const secret = `--secret id=GIT_AUTH_TOKEN.${to},env=VARIABLE`;
    return { hint: `${from} redirects to ${to}, and a credential for one is not sent to the other; pass ${secret}` };
  }

  async #follow(from: string, signal: AbortSignal): Promise<boolean> {
    const moved = await this.#options.find(from, this.#credentials, signal);
    if (moved === undefined) return false;
    this.#moved.push([`url.${moved.url}.insteadOf`, from.replace(/\/$/, '')]);
    if (moved.credential !== undefined) this.#credentials.push(moved.credential);
    if (moved.isWithheld) this.#withheld = { from: new URL(from).host, to: new URL(moved.url).host };
    return true;
  }

  async #once(
    args: readonly string[],
    directory: string,
    signal: AbortSignal,
  ): Promise<{ code: number | null; out: string; said: string }> {
    signal.throwIfAborted();
    const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'core.autocrlf=false', ...args], {
      cwd: directory,
      env: this.#variables(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // With the programs that it starts, which would live on: a process group of its own.
      detached: true,
    });
    using watch = new SilenceWatch(child, this.#silence, signal);
    let out = '';
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('latin1')));
    child.stderr.on('data', (chunk: Buffer) => {
      watch.heard();
      said = (said + chunk.toString()).slice(-8000);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve);
      child.once('error', (error) => reject(startError(error)));
    });
    signal.throwIfAborted();
    if (watch.isExpired) throw this.#silent(args);
    return { code, out, said };
  }

  /** Credentials reach git by its environment, so that neither its arguments nor what it writes hold them. */
  #variables(): Record<string, string> {
    const configuration = [
      // Redirects are followed in git's place, see `findRepository`.
      ['http.followRedirects', 'false'],
      ['http.lowSpeedLimit', '32'],
      ['http.lowSpeedTime', String(Math.ceil(this.#silence / 1000))],
      ...this.#credentials.map((credential) => credential.configuration),
      ...this.#moved,
    ];
    const lines = configuration.flatMap(([key = '', value = ''], i) => [
      [`GIT_CONFIG_KEY_${i}`, key],
      [`GIT_CONFIG_VALUE_${i}`, value],
    ]);
    return {
      ...this.#environment,
      ...Object.assign({}, ...this.#credentials.map(({ variables }) => variables)),
      GIT_CONFIG_COUNT: String(configuration.length),
      ...Object.fromEntries(lines),
    };
  }

  #silent(args: readonly string[]): BuildError {
    return new BuildError(
      'GIT_FAILED',
      `git ${args[0] ?? ''} was stopped: the server sent nothing for ${this.#silence} ms`,
      {
        hint: 'is the repository reachable? If the server is slow, run the build again',
      },
    );
  }

  #clean(text: string): string {
    const secrets = this.#credentials.flatMap((credential) => credential.secrets);
    const clean = secrets.reduce((rest, secret) => rest.replaceAll(secret, 'xxxxx'), text);
    return (
      clean
        .split(/[\r\n]+/)
        // What it told of its progress is no reason.
        .filter((line) => line.trim() !== '' && !/^(?:remote: )?[A-Z][a-z ]+: +\d+[%,]/.test(line))
        .slice(-3)
        .join('; ')
        .replace(/[\x00-\x1f\x7f]+/g, ' ')
    );
  }
}

/** The address that answered with a redirect, by git's message (remote-curl.c, in the language of LC_ALL=C). */
function redirectedURL(said: string): string | undefined {
  return /unable to access '(https?:\/\/[^']+)': The requested URL returned error: 30[12378]\b/i.exec(said)?.[1];
}

function startError(error: Error): BuildError {
  const isMissing = 'code' in error && error.code === 'ENOENT';
  return new BuildError(
    'GIT_FAILED',
    isMissing ? 'the program git is not installed' : `cannot run git: ${error.message}`,
    {
      hint: 'git sources require it (Debian: apt install git)',
      cause: error,
    },
  );
}
