import { spawn } from 'node:child_process';
import { OciError } from '../spec/oci-error.ts';
import { Field } from '../spec/json-document.ts';
import { onAbort } from './abortable.ts';
import type { Credential } from './credential.ts';
import { plainText } from './plain-text.ts';
import type { Environment } from './proxy.ts';

/** A helper may ask a person for the key of a keychain, but not for ever. In milliseconds. */
const TIMEOUT = 60_000;
const OUTPUT_LIMIT = 1024 * 1024;

/** The user name by which helpers mark an identity token (docker-credential-helpers). */
const TOKEN_USER = '<token>';

/** How to run a helper. */
export interface HelperOptions {
  readonly environment?: Environment;
  readonly signal?: AbortSignal;
  readonly timeoutMilliseconds?: number;
}

/** What Docker calls a registry when it talks to helpers, and the key it writes into `auths`. */
export function serverUrl(registry: string): string {
  const docker = ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(registry.toLowerCase());
  return docker ? 'https://index.docker.io/v1/' : registry;
}

/**
 * Asks `docker-credential-<helper>` for a registry's credential (docker-credential-helpers, "get"); undefined when it has
 * none.
 * @throws OciError `REGISTRY_CREDENTIALS` when the helper is missing, fails or does not answer
 */
export async function askHelper(
  helper: string,
  registry: string,
  options: HelperOptions = {},
): Promise<Credential | undefined> {
  const { status, output } = await runHelper(helper, 'get', serverUrl(registry), options);
  if (status !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw helperError(helper, `failed: ${plainText(output) || `status ${status}`}`);
  }
  const root = parseAnswer(helper, output);
  const username = root.member('Username').optional((field) => field.string()) ?? '';
  const secret = root.member('Secret').optional((field) => field.string()) ?? '';
  if (secret === '') return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

/** Gives a credential to a helper to keep. @throws OciError `REGISTRY_CREDENTIALS` */
export async function storeWithHelper(
  helper: string,
  registry: string,
  credential: Credential,
  options: HelperOptions = {},
): Promise<void> {
  const token = 'identityToken' in credential;
  const message = {
    ServerURL: serverUrl(registry),
    Username: token ? TOKEN_USER : credential.username,
    Secret: token ? credential.identityToken : credential.password,
  };
  const { status, output } = await runHelper(helper, 'store', JSON.stringify(message), options);
  if (status !== 0)
    throw helperError(helper, `could not store the credential: ${plainText(output) || `status ${status}`}`);
}

/** Lets a helper forget a credential; one that it does not have is forgotten already. @throws OciError `REGISTRY_CREDENTIALS` */
export async function eraseWithHelper(helper: string, registry: string, options: HelperOptions = {}): Promise<void> {
  const { status, output } = await runHelper(helper, 'erase', serverUrl(registry), options);
  if (status === 0 || /not found/i.test(output)) return;
  throw helperError(helper, `could not erase the credential: ${plainText(output) || `status ${status}`}`);
}

function parseAnswer(helper: string, output: string): Field {
  try {
    const root = Field.parse(Buffer.from(output), {
      name: `docker-credential-${helper}`,
      code: 'REGISTRY_CREDENTIALS',
    });
    root.record();
    return root;
  } catch {
    // The parser's message would quote what may be a secret.
    throw helperError(helper, 'did not answer with a JSON object');
  }
}

function helperError(helper: string, problem: string): OciError {
  const name = `docker-credential-${plainText(helper, 60)}`;
  return new OciError('REGISTRY_CREDENTIALS', `the credential helper ${name} ${problem}`, {
    fields: { helper: plainText(helper, 60) },
  });
}

interface HelperResult {
  readonly status: number;
  readonly output: string;
}

async function runHelper(helper: string, action: string, input: string, options: HelperOptions): Promise<HelperResult> {
  const { environment = process.env, signal, timeoutMilliseconds = TIMEOUT } = options;
  // The name comes from a file; it must stay a name.
  if (!/^[\w][\w.-]{0,100}$/.test(helper)) throw helperError(helper, 'has an invalid name');
  signal?.throwIfAborted();
  const child = spawn(`docker-credential-${helper}`, [action], {
    env: { ...environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return await new Promise<HelperResult>((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const give = (up: () => void): void => {
      clearTimeout(timer);
      stay();
      up();
    };
    const stop = (error: unknown): void =>
      give(() => {
        child.kill('SIGKILL');
        child.stdout.destroy(); // a grandchild may hold it open
        reject(error);
      });
    const stay = onAbort(signal, stop);
    const timer = setTimeout(
      () => stop(helperError(helper, `did not answer within ${timeoutMilliseconds} ms`)),
      timeoutMilliseconds,
    );
    child.on('error', (cause) => {
      const missing = 'code' in cause && cause.code === 'ENOENT';
      const problem = missing
        ? 'is not installed, but the Docker configuration names it; install it, or remove it from credsStore and credHelpers'
        : `cannot be started: ${cause.message}`;
      stop(helperError(helper, problem));
    });
    child.stdin.on('error', () => {}); // a helper that does not read its input tells by its status
    child.stdin.end(input);
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > OUTPUT_LIMIT) stop(helperError(helper, 'sends an endless answer'));
      else parts.push(part);
    });
    child.on('close', (status) =>
      give(() => resolve({ status: status ?? -1, output: Buffer.concat(parts).toString('utf8') })),
    );
  });
}
