import { existsSync, readdirSync } from 'node:fs';
import { chmod, cp, mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withoutRoot } from './lab.ts';
import { run, SEARCH_PATH } from './process.ts';
import { scratch } from './tsbuild.ts';

const FETCH = fileURLToPath(new URL('../../fixtures/foreign/fetch.mjs', import.meta.url));

/** Emulators and systems of other architectures, where every user can read them. */
export interface Foreign {
  /** Holds `arm64`, `armhf` and `i386`, a system each. */
  readonly systems: string;
  /** The variable by which an emulator is found. */
  readonly env: { readonly PATH: string };
  readonly qemu: string;
  /** The same with the emulators of all architectures, for root alone. */
  readonly all: { readonly PATH: string };
}

/** Fetches them, or takes what was fetched before. Only for tests behind {@link foreignObstacle}. */
export async function foreign(): Promise<Foreign> {
  const { exitCode, stdout, stderr } = await run(process.execPath, [FETCH], {
    env: { HOME: process.env['HOME'] ?? '/root' },
    timeout: 300_000,
  });
  if (exitCode !== 0) throw new Error(`${FETCH}: ${stderr}`);
  const [from, systems] = [stdout.trim(), await scratch()];
  await mkdir(join(systems, 'qemu'));
  for (const name of ['qemu-aarch64-static', 'qemu-arm-static', 'qemu-i386-static']) {
    await cp(join(from, 'qemu', name), join(systems, 'qemu', name));
  }
  for (const name of ['arm64', 'armhf', 'i386']) {
    await cp(join(from, name), join(systems, name), { recursive: true, verbatimSymlinks: true });
  }
  await chmod(systems, 0o755);
  const qemu = join(systems, 'qemu');
  const pathWith = (directory: string) => ({ PATH: `${SEARCH_PATH}${delimiter}${directory}` });
  return { systems, qemu, env: pathWith(qemu), all: pathWith(join(from, 'qemu')) };
}

/** Why emulation cannot be tested here; undefined when it can, and on CI, where it must. */
export function foreignObstacle(): string | undefined {
  if (process.env['CI'] === 'true') return undefined;
  if (withoutRoot) return 'needs root, for the modes of other users';
  if (!existsSync('/usr/bin/apt-get')) return 'needs apt, for the emulators';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 7)) return `needs Linux 6.7, and this is ${release()}`;
  const registered = existsSync('/proc/sys/fs/binfmt_misc') ? readdirSync('/proc/sys/fs/binfmt_misc') : [];
  const own = registered.find((name) => /aarch64|arm/.test(name));
  if (own !== undefined) return `this machine has an emulator registered (${own})`;
  const installed = SEARCH_PATH.split(delimiter).find((path) => existsSync(join(path, 'qemu-aarch64-static')));
  return installed === undefined ? undefined : `there is an emulator in ${installed}`;
}
