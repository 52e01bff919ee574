import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/bin'];

/** The full path of a program; undefined when this machine lacks it. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missing = ['docker-registry', 'htpasswd', 'openssl'].filter((name) => findProgram(name) === undefined);

/** Why tests against a real registry cannot run, for their names; empty when they can. */
export const NO_REGISTRY = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')} not installed)`;

/** Whether to skip them: never in CI, where a missing registry must be noticed. */
export const SKIP_REGISTRY = NO_REGISTRY !== '' && process.env.CI !== 'true';

/** How a registry is set up. */
export interface DockerRegistryOptions {
  /** Where its own directory is made; by default where temporary files are. */
  readonly within?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  /** PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly certificate: string;
  };
}

/** A registry of Debian's docker-registry package, on a port of loopback of its own, with a storage of its own. */
export interface DockerRegistry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** With the directory `storage`, in which it keeps all that it has. */
  readonly directory: string;
  /** Ends it by SIGKILL; its storage stays. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}, on the same port and storage. */
  start(): Promise<void>;
  /** Removes blobs that no manifest names, as an administrator would: with the registry not running. */
  collectGarbage(): Promise<void>;
  /** Ends it and removes everything. */
  stop(): Promise<void>;
}

/** Starts a registry and waits until it listens. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const program = findProgram('docker-registry');
  if (program === undefined) throw new Error('docker-registry is not installed');
  const directory = mkdtempSync(join(options.within ?? tmpdir(), 'docker-registry-'));
  const port = await freePort();
  const config = join(directory, 'config.yml');
  writeFileSync(config, configuration(directory, port, options));
  const run = new RegistryProcess(program, config, port);
  const stop = async (): Promise<void> => {
    await run.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await run.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: `127.0.0.1:${port}`,
    directory,
    kill: () => run.kill(),
    start: () => run.start(),
    collectGarbage: async () => {
      execFileSync(program, ['garbage-collect', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    },
    stop,
  };
}

/** The program, which can be started again. */
class RegistryProcess {
  readonly #program: string;
  readonly #config: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #log = '';

  constructor(program: string, config: string, port: number) {
    this.#program = program;
    this.#config = config;
    this.#port = port;
  }

  async start(): Promise<void> {
    const child = spawn(this.#program, ['serve', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (part: Buffer) => {
      this.#log = (this.#log + part.toString()).slice(-10_000);
    });
    this.#exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    for (const end = Date.now() + 20_000; !(await listens(this.#port)); await delay(30)) {
      if (Date.now() < end && child.exitCode === null) continue;
      throw new Error(`docker-registry did not start:\n${this.#log}`);
    }
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }
}

function configuration(directory: string, port: number, { basic, tls, token }: DockerRegistryOptions): string {
  const storage = join(directory, 'storage');
  mkdirSync(storage);
  const lines = [
    'version: 0.1',
    'log: { level: warn }',
    'storage:',
    `  filesystem: { rootdirectory: ${storage} }`,
    '  delete: { enabled: true }',
    'http:',
    `  addr: 127.0.0.1:${port}`,
  ];
  if (tls !== undefined) lines.push(`  tls: { certificate: ${tls.certificate}, key: ${tls.key} }`);
  if (basic !== undefined) {
    const path = join(directory, 'htpasswd');
    const htpasswd = findProgram('htpasswd') ?? 'htpasswd';
    writeFileSync(path, execFileSync(htpasswd, ['-Bbn', basic.username, basic.password]));
    lines.push(`auth: { htpasswd: { realm: test, path: ${path} } }`);
  }
  if (token !== undefined) {
    const { realm, service, issuer, certificate } = token;
    lines.push(
      `auth: { token: { realm: "${realm}", service: "${service}", issuer: "${issuer}", rootcertbundle: ${certificate} } }`,
    );
  }
  return `${lines.join('\n')}\n`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** Paths of PEM files. */
export interface TestCertificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate authority and a certificate of it for 127.0.0.1, localhost and `names`. */
export function makeCertificates(directory: string, names: readonly string[] = []): TestCertificates {
  const openssl = findProgram('openssl') ?? 'openssl';
  const run = (...args: string[]): void => {
    execFileSync(openssl, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority');
  run('req', ...ec, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(
    join(directory, 'san'),
    `subjectAltName=IP:127.0.0.1,${['localhost', ...names].map((name) => `DNS:${name}`).join(',')}\n`,
  );
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san'];
  run('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server.pem');
  return {
    ca: join(directory, 'ca.pem'),
    certificate: join(directory, 'server.pem'),
    key: join(directory, 'server.key'),
  };
}
