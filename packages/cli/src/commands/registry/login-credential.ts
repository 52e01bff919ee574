import { CommandError, UsageError } from '../../host/usage-error.ts';
import type { Host, InputStream } from '../../host/host.ts';
import { askOnTerminal } from '../../registry/prompt.ts';
import { untilAborted } from '../../host/until-aborted.ts';

/** A name with its password or access token. */
export interface NamedPassword {
  readonly username: string;
  readonly password: string;
}

/** The options of `login` that tell who logs in. */
export interface LoginFlags {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly 'password-stdin': boolean;
}

/** No password is longer; a larger input is another file. Bytes. */
const LONGEST = 1 << 20;

/**
 * Name and password as the command line gives them; undefined when it leaves the password open.
 * @throws UsageError, CommandError
 */
export async function givenCredential(flags: LoginFlags, host: Host): Promise<NamedPassword | undefined> {
  const { username, password } = flags;
  if (username !== undefined) checkUsername(username);
  if (password !== undefined && flags['password-stdin'])
    throw wrong('--password and --password-stdin are mutually exclusive');
  if (flags['password-stdin']) {
    if (username === undefined) throw wrong('Must provide --username with --password-stdin');
    return { username, password: await passwordFromStdin(host) };
  }
  if (password === undefined) return undefined;
  host.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  if (password === '') throw wrong('the password is empty');
  return { username: username ?? (await askUsername(host)), password };
}

/** Asks for what is missing. @throws CommandError where there is nobody to ask, Interrupted */
export async function askCredential({ username }: LoginFlags, host: Host): Promise<NamedPassword> {
  const name = username ?? (await askUsername(host));
  needTerminal(host);
  const password = await askOnTerminal('Password: ', host, { secret: true });
  if (!password) throw new CommandError('password required');
  return { username: name, password };
}

async function askUsername(host: Host): Promise<string> {
  needTerminal(host);
  const username = (await askOnTerminal('Username: ', host))?.trim();
  if (!username) throw new CommandError('username required');
  return checkUsername(username);
}

function needTerminal(host: Host): void {
  if (host.stdin.isTTY === true) return;
  throw new CommandError('cannot ask for a name and a password: standard input is not a terminal', {
    hint: 'pipe the password in: … | tsbuild login -u USER --password-stdin SERVER',
  });
}

async function passwordFromStdin(host: Host): Promise<string> {
  if (host.stdin.isTTY === true)
    throw wrong('--password-stdin: standard input is a terminal', 'omit it to be asked for the password');
  const text = await untilAborted(readAll(host.stdin), host.signal);
  // As docker does: one line end may stand behind it, all else is the password.
  const password = text.replace(/\n$/, '').replace(/\r$/, '');
  if (password === '') throw wrong('the password on standard input is empty');
  return password;
}

async function readAll(stdin: InputStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > LONGEST) throw new CommandError('standard input is not a password: it is larger than 1 MiB');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function checkUsername(username: string): string {
  if (username === '') throw wrong('the user name is empty');
  if (username.includes(':')) throw wrong(`invalid user name ${JSON.stringify(username)}: it cannot contain a colon`);
  return username;
}

function wrong(message: string, hint?: string): UsageError {
  return new UsageError(message, { hint, command: 'login' });
}
