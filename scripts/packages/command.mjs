// The command as its users get it: how many packages and bytes an install brings, and how long the program takes to start.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OFFLINE, PROJECT, run } from './run.mjs';

/** What is installed for the optional koffi on the machines that build images for most. */
const OPTIONAL = ['koffi', `@koromix/koffi-linux-${process.arch}`];

const MEGABYTE = 1_000_000;
/**
 * People wait for each of these, in CI on every run. A higher number needs a reason in its commit. The aim for the tarball is 450,000 bytes;
 * today it has 590,000, nearly all of it the program itself.
 */
const LIMITS = { packages: 3, installed: 7 * MEGABYTE, tarball: 600_000 };

/**
 * Installs the command from its tarball into an empty prefix, with nothing else to install from.
 * @param {string} directory
 * @param {Readonly<Record<string, import('./pack.mjs').Packed>>} packed
 * @returns the prefix
 */
export function installCommand(directory, packed) {
  const prefix = join(directory, 'prefix');
  mkdirSync(prefix);
  const optional = OPTIONAL.map((name) => join(PROJECT, 'node_modules', name));
  run(
    directory,
    'npm',
    'install',
    '--global',
    '--prefix',
    prefix,
    ...OFFLINE,
    '--install-links',
    packed.cli.tarball,
    ...optional,
  );
  return prefix;
}

/**
 * What an install brought.
 * @param {string} prefix
 */
function installed(prefix) {
  const modules = join(prefix, 'lib/node_modules');
  const paths = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const packages = paths.filter((path) => /(?:^|node_modules\/)(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path));
  const bytes = paths
    .map((path) => lstatSync(join(modules, path)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  return { packages: packages.length, bytes };
}

/**
 * Complains of an install that brings too much; returns what it brings, for people.
 * @param {string} prefix
 * @param {import('./pack.mjs').Packed} packed
 */
export function checkSize(prefix, packed) {
  const { packages, bytes } = installed(prefix);
  const found = { packages, installed: bytes, tarball: packed.bytes };
  for (const [what, limit] of Object.entries(LIMITS)) {
    if (found[what] > limit) throw new Error(`${what}: ${found[what]}, and more than ${limit} is too much`);
  }
  return `${packages} packages, ${(bytes / MEGABYTE).toFixed(1)} MB installed, tarball ${Math.round(packed.bytes / 1000)} kB`;
}

const RUNS = 3;
const STARTS = [['--version'], ['--help'], ['images']];

/**
 * The processor time that starts take, on the average of a few: told, never judged, for it is the machine's.
 * @param {string} prefix
 */
export function startTimes(prefix) {
  const program = join(prefix, 'bin/tsbuild');
  const env = {
    ...process.env,
    HOME: prefix,
    XDG_CACHE_HOME: join(prefix, 'caches'),
    TSBUILD_ROOT: join(prefix, 'store'),
  };
  const start = (words) => {
    const { status, stderr } = spawnSync(program, words, { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`tsbuild ${words.join(' ')} ends with ${status}: ${stderr}`);
  };
  return STARTS.map((words) => {
    // The first run compiles, and keeps what it compiled.
    start(words);
    const before = childrenTime();
    for (let runs = 0; runs < RUNS; runs++) start(words);
    return `${words.join(' ')} ${Math.round((childrenTime() - before) / RUNS)} ms`;
  }).join(', ');
}

/** Milliseconds of processor that children took which have ended; the kernel counts in hundredths of a second. */
function childrenTime() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return 10 * (Number(fields[13]) + Number(fields[14]));
}
