import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Code as it is kept. */
export interface KeptCode {
  readonly code: Buffer;
  /** How many runs have added to it what they needed. */
  readonly runs: number;
}

/** In front of the code: the crc32 of all that follows. V8 itself does not look for damage, and would run it. */
const CHECKSUM = 4;
/** Then the number of runs, one byte, and three more so that the code is aligned. */
const HEADER = 8;

/**
 * The compiled code in `path`; undefined when it is missing, damaged, or could have been written by anybody but this user:
 * whoever writes it says what we execute.
 */
export function readCode(path: string): KeptCode | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid, mode } = fstatSync(file);
    if (uid !== process.geteuid?.() || (mode & constants.S_IFMT) !== constants.S_IFREG || (mode & 0o022) !== 0) return;
    const bytes = readFileSync(file);
    if (bytes.length <= HEADER || bytes.readUInt32LE(0) !== crc32(bytes.subarray(CHECKSUM))) return undefined;
    return { code: bytes.subarray(HEADER), runs: bytes[CHECKSUM] ?? 0 };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Code is made again when it is this old, milliseconds: that of versions that are gone must not stay for ever. */
const LONGEST = 30 * 24 * 60 * 60 * 1000;

/** Keeps compiled code for the next run, and removes what is old beside it. What goes wrong is of no matter: the next run compiles again. */
export function writeCode(path: string, { code, runs }: KeptCode): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const bytes = Buffer.concat([Buffer.alloc(HEADER), code]);
    bytes[CHECKSUM] = runs;
    bytes.writeUInt32LE(crc32(bytes.subarray(CHECKSUM)));
    writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
    removeOld(dirname(path));
  } catch {
    removeQuietly(temporary);
  }
}

function removeOld(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const modified = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && Date.now() - modified > LONGEST) removeQuietly(path);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made.
  }
}
