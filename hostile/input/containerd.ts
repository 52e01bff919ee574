import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostileCase } from './case.ts';
import { dockerArchive } from './take-layers.ts';

/** A containerd of our own, to ask what it thinks of the same layers. */
export class Containerd implements AsyncDisposable {
  readonly #folder: string;
  readonly #daemon: ChildProcess;
  readonly #differences: string[] = [];
  #agreed = 0;
  #count = 0;

  private constructor(folder: string, daemon: ChildProcess) {
    this.#folder = folder;
    this.#daemon = daemon;
  }

  /** Undefined where there is none, or no root to run it. */
  static async start(folder: string): Promise<Containerd | undefined> {
    const binary = ['/usr/bin/containerd', '/usr/local/bin/containerd'].find((path) => existsSync(path));
    if (binary === undefined || process.geteuid?.() !== 0) return undefined;
    mkdirSync(folder, { recursive: true });
    const config = join(folder, 'config.toml');
    const plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.internal.v1.opt', 'io.containerd.snapshotter.v1.btrfs',
      'io.containerd.snapshotter.v1.aufs', 'io.containerd.snapshotter.v1.zfs', 'io.containerd.snapshotter.v1.devmapper']; // biome-ignore format: one list
    writeFileSync(
      config,
      `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ${JSON.stringify(plugins)}\n` +
        `[grpc]\n  address = "${folder}/c.sock"\n`,
    );
    const daemon = spawn(binary, ['--config', config, '--log-level', 'error'], { stdio: 'ignore' });
    const started = new Containerd(folder, daemon);
    for (let tries = 0; tries < 300; tries++) {
      if ((await started.#ctr('version')).code === 0) return started;
      if (daemon.exitCode !== null) return undefined;
      await sleep(100);
    }
    await started[Symbol.asyncDispose]();
    return undefined;
  }

  /** What is wrong with our verdict in the light of containerd's: nothing when they agree, or the reason is known. */
  async compare({ name, layers, differs }: HostileCase, ours: string, canary: string): Promise<readonly string[]> {
    if (layers === undefined) return [];
    const archive = join(this.#folder, 'image.tar');
    const image = `docker.io/library/evil${this.#count++}:1`;
    writeFileSync(archive, dockerArchive(image, layers(canary)));
    const { code, said } = await this.#ctr('images', 'import', '--snapshotter', 'native', archive);
    rmSync(archive);
    const theirs = code === 0 ? 'contained' : 'refused';
    if (theirs === ours) {
      this.#agreed++;
      return differs === undefined ? [] : ['containerd agrees, although a difference is on record'];
    }
    this.#differences.push(`  ${name}: ${ours} here, ${theirs} there\n    ${differs ?? said}\n`);
    return differs === undefined ? [`containerd differs (${theirs}): ${said}`] : [];
  }

  summary(): string {
    const all = this.#agreed + this.#differences.length;
    return `containerd agrees on ${this.#agreed} of ${all} images; the others:\n${this.#differences.join('')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve));
    if (this.#daemon.exitCode !== null || this.#daemon.signalCode !== null) return;
    this.#daemon.kill('SIGTERM');
    await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    this.#daemon.kill('SIGKILL');
  }

  #ctr(...args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
    return new Promise((resolve) => {
      execFile('ctr', ['-a', `${this.#folder}/c.sock`, ...args], { timeout: 120_000 }, (error, _, stderr) => {
        const said = stderr.trim().split('\n').at(-1) ?? '';
        resolve({ code: error === null ? 0 : 1, said });
      });
    });
  }
}
