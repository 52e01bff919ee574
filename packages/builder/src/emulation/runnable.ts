import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatPlatform, normalizePlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { requireTool } from '../executor/host-tools.ts';
import { readIdMaps } from '../executor/id-map.ts';
import { type ForeignArchitecture, foreignArchitecture } from './architectures.ts';
import { describeQemu, findQemu, type Qemu } from './find-qemu.ts';
import { registeredFor } from './machine-binfmt.ts';
import { holdPrivateBinfmt, type PrivateBinfmt, type Registration } from './private-binfmt.ts';
import { probeProgram } from './probe-program.ts';
import { processorLevel } from './processor-level.ts';
import PROBE from './scripts/probe.sh';

/** Whether commands of a platform run on this machine, and by what. */
export type Runnable =
  /** The processor runs them itself. */
  | { readonly kind: 'native' }
  /** The kernel hands them to an emulator that the machine has registered with binfmt_misc. */
  | { readonly kind: 'machine'; readonly emulator: string }
  /** They run in a user namespace in which an emulator is registered for this process alone. */
  | { readonly kind: 'private'; readonly emulator: string; readonly userNamespace: string }
  | { readonly kind: 'not'; readonly reason: string };

/** By `formatPlatform`. */
export type RunnablePlatforms = ReadonlyMap<string, Runnable>;

/** What one examination has found, and its end: nothing runs in its private namespace after that. */
export interface Examination extends Disposable {
  readonly platforms: RunnablePlatforms;
}

/** A foreign architecture on its way to an answer. */
interface Candidate {
  readonly platform: Platform;
  readonly architecture: ForeignArchitecture;
  readonly program: Uint8Array;
  /** Holds the program alone. */
  readonly directory: string;
}

/**
 * Tries, for each platform, whether its programs run as a RUN runs them: by the processor, by the machine's binfmt_misc, or by one of
 * this process's own. Must come before `prepareProcess`, after which there can be no further user namespace.
 * @param scratch a directory for programs of ours; what is made there stays, and is the same for all processes
 */
export async function examinePlatforms(platforms: readonly Platform[], scratch: string): Promise<Examination> {
  const host = hostPlatform();
  const found = new Map<string, Runnable>();
  const candidates: Candidate[] = [];
  for (const platform of platforms.map(normalizePlatform)) {
    const { architecture: name } = platform;
    const architecture = foreignArchitecture(name);
    if (name === host.architecture) found.set(formatPlatform(platform), ownArchitecture(platform));
    // Nothing here can try it: the kernel does when a command comes.
    else if (architecture === undefined)
      found.set(formatPlatform(platform), { kind: 'machine', emulator: 'binfmt_misc' });
    else candidates.push(candidateOf(platform, architecture, scratch));
  }
  const ran = await tryOnMachine(candidates);
  const others: Candidate[] = [];
  for (const candidate of candidates) {
    const runnable = ran.has(candidate) ? await byMachine(candidate, host) : undefined;
    if (runnable !== undefined) found.set(formatPlatform(candidate.platform), runnable);
    if (runnable === undefined || (runnable.kind === 'machine' && isWithinReach(candidate))) others.push(candidate);
  }
  const held = await holdOthers(others, scratch, found);
  return { platforms: found, [Symbol.dispose]: () => held?.dispose() };
}

/** The host's own architecture, perhaps of a later processor. */
function ownArchitecture({ architecture, variant }: Platform): Runnable {
  if (architecture !== 'amd64' || variant === undefined) return { kind: 'native' };
  const own = processorLevel(readFileSync('/proc/cpuinfo', 'latin1'));
  if (Number(variant.slice(1)) <= own) return { kind: 'native' };
  return { kind: 'not', reason: `this machine's processor is amd64/v${own}` };
}

function candidateOf(platform: Platform, architecture: ForeignArchitecture, scratch: string): Candidate {
  const program = probeProgram(architecture);
  const directory = join(scratch, 'probes', architecture.name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, 'probe');
  if (!isSame(path, program)) writeFileSync(path, program, { mode: 0o755 });
  return { platform, architecture, program, directory };
}

function isSame(path: string, content: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(content);
  } catch {
    return false;
  }
}

/** Those that run, natively or by what the machine has registered. */
async function tryOnMachine(candidates: readonly Candidate[]): Promise<ReadonlySet<Candidate>> {
  if (candidates.length === 0) return new Set();
  const shell = ['/bin/sh', '-uc', PROBE, 'probe', ...candidates.map(({ directory }) => directory)];
  const unshare = process.geteuid?.() === 0 ? [] : [requireTool('unshare'), '--user', '--map-root-user', '--'];
  const [command = '', ...args] = [...unshare, ...shell];
  const env = { PATH: SYSTEM_PATH, LC_ALL: 'C', CHROOT: requireTool('chroot', 'coreutils') };
  const codes = await promisify(execFile)(command, args, { encoding: 'utf8', env, cwd: '/' }).then(
    ({ stdout }) => stdout.split('\n'),
    () => [],
  );
  return new Set(candidates.filter((_, i) => codes[i] === '0'));
}

/** Architectures whose programs a processor of another one may run by itself. */
const SUBSETS: Readonly<Record<string, string>> = { '386': 'amd64', arm: 'arm64' };

async function byMachine({ platform, program }: Candidate, host: Platform): Promise<Runnable> {
  const registered = registeredFor(program);
  if (registered !== undefined) {
    const { shown } = await describeQemu(registered.interpreter);
    return { kind: 'machine', emulator: shown };
  }
  if (SUBSETS[platform.architecture] === host.architecture) return { kind: 'native' };
  return { kind: 'machine', emulator: 'binfmt_misc' };
}

/**
 * Whether commands could change mode and owner of the machine's emulator, which they find at /proc/PID/exe: those of root can, and
 * give it the set-user-ID bit. A private registration has a copy that nobody can change. In a user namespace the files of others have the
 * id of nobody.
 */
function isWithinReach({ program }: Candidate): boolean {
  if (!readIdMaps().nested) return true;
  const registered = registeredFor(program);
  return registered !== undefined && statSync(registered.interpreter, { throwIfNoEntry: false })?.uid === 0;
}

/** Registers privately what can be, and says of the rest, as far as they do not run anyhow, why not. */
async function holdOthers(
  candidates: readonly Candidate[],
  scratch: string,
  found: Map<string, Runnable>,
): Promise<PrivateBinfmt | undefined> {
  const registrations: (Registration & Candidate)[] = [];
  const cannot = ({ platform }: Candidate, reason: string): void => {
    const name = formatPlatform(platform);
    if (!found.has(name)) found.set(name, { kind: 'not', reason });
  };
  for (const candidate of candidates) {
    const qemu = await findQemu(candidate.architecture, registeredFor(candidate.program)?.interpreter);
    if (qemu !== undefined && 'path' in qemu) registrations.push({ ...candidate, qemu, probe: candidate.directory });
    else cannot(candidate, whyNone(candidate, qemu));
  }
  if (registrations.length === 0) return undefined;
  const place = join(scratch, 'emulators');
  mkdirSync(place, { recursive: true, mode: 0o755 });
  const held = await holdPrivateBinfmt(onceEach(registrations), place);
  const isHeld = 'runs' in held;
  for (const registration of registrations) {
    const { platform, architecture, qemu } = registration;
    if (isHeld && held.runs.has(architecture.name)) {
      const { userNamespace } = held;
      found.set(formatPlatform(platform), { kind: 'private', emulator: qemu.shown, userNamespace });
    } else cannot(registration, whyNotHeld(qemu, isHeld ? '' : held.said));
  }
  return isHeld ? held : undefined;
}

/** Variants of an architecture have one emulator. */
function onceEach<R extends Registration>(registrations: readonly R[]): readonly R[] {
  return [...new Map(registrations.map((each) => [each.architecture.name, each])).values()];
}

function whyNone({ architecture, program }: Candidate, qemu: { readonly dynamic: string } | undefined): string {
  const registered = registeredFor(program);
  if (registered !== undefined && !registered.isOpen)
    return `its emulator ${registered.interpreter} was registered without flag F, so it is not found inside an image`;
  if (registered !== undefined) return `its emulator ${registered.interpreter} is registered, but does not work`;
  if (qemu !== undefined) return `${qemu.dynamic} is not a static program, so it does not work inside an image`;
  return `no emulator is registered with the kernel (binfmt_misc), and ${architecture.qemu}-static is not in the PATH`;
}

function whyNotHeld({ path }: Qemu, said: string): string {
  const why = /unknown filesystem type/.test(said)
    ? 'this kernel has no binfmt_misc'
    : /binfmt.*(?:permission denied|superuser)/i.test(said)
      ? `that needs Linux 6.7, and this is ${release()}`
      : said === ''
        ? 'it does not run its programs'
        : said;
  return `${path} cannot be registered for this build alone: ${why}`;
}
