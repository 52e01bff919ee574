// The benchmark's data: made from a seed, so that every run and every machine has the same bytes, names, modes and times.
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { quietly } from './measure.mjs';

/** All times of the data lie here, long before any clock that looks at them. */
const LONG_AGO = 1_600_000_000;

/** A small generator of numbers from 0 up to 1 (mulberry32): seeded, where Math.random cannot be. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS =
  'const export import function return async await yield class extends static private readonly string number boolean undefined null true false if else for while switch case default throw new this super typeof instanceof'.split(
    ' ',
  );

/** Text that reads (and compresses) somewhat like source code. */
function sourceText(random, bytes) {
  const names = Array.from({ length: 3000 }, () => Math.floor(random() * 1e12).toString(36));
  const lines = [];
  for (let length = 0; length < bytes; ) {
    const line = Array.from({ length: 3 + Math.floor(random() * 6) }, () => {
      const from = random() < 0.4 ? WORDS : names;
      return from[Math.floor(random() * from.length)];
    });
    const text = `${'  '.repeat(Math.floor(random() * 4))}${line.join(' ')};\n`;
    lines.push(text);
    length += text.length;
  }
  return Buffer.from(lines.join(''), 'latin1').subarray(0, bytes);
}

/** Bytes that nothing compresses. */
export function noise(random, bytes) {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) buffer.writeUInt32LE((random() * 2 ** 32) >>> 0, at);
  return buffer;
}

/** A normally distributed number, by the central limit theorem: good enough for sizes. */
const normal = (random) => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);

/**
 * A project's folder as a package manager leaves it: `files` small files of very different sizes in `folders`, `bytes` in
 * all, some executable, some binary, some symbolic links. Returns the path of one file to change.
 */
export function makeTree(top, { files, folders, bytes, seed = 5 }) {
  const random = randomNumbers(seed);
  const text = sourceText(random, 4 * 1024 * 1024);
  const binary = noise(random, 4 * 1024 * 1024);
  const paths = Array.from({ length: folders }, (_, i) => {
    const scope = i % 6 === 0 ? `@scope-${i % 30}/` : '';
    const below = ['', '/lib', '/dist/esm', '/src/internal'][i % 4];
    return `modules/${scope}package-${i}${below}`;
  });
  for (const path of paths) mkdirSync(join(top, path), { recursive: true });
  const weights = Array.from({ length: files }, () => Math.exp(1.5 * normal(random)));
  const scale = bytes / weights.reduce((sum, weight) => sum + weight, 0);
  const touched = new Set([top]);
  let changing = '';
  for (let i = 0; i < files; i++) {
    const isBinary = random() < 0.03;
    const source = isBinary ? binary : text;
    const size = Math.max(1, Math.round((weights[i] ?? 1) * scale));
    const path = join(
      top,
      paths[i % folders] ?? '',
      `file-${i}${isBinary ? '.bin' : ['.js', '.d.ts', '.json', '.md'][i % 4]}`,
    );
    writePieces(path, source, size, random);
    chmodSync(path, i % 150 === 0 ? 0o755 : 0o644);
    utimesSync(path, LONG_AGO + (i % 86_400), LONG_AGO + (i % 86_400));
    if (i === Math.floor(files / 2)) changing = path;
  }
  mkdirSync(join(top, 'modules/.bin'));
  for (let i = 0; i < folders; i += 20) symlinkSync(`../package-${i}/file.js`, join(top, 'modules/.bin', `tool-${i}`));
  for (const path of paths) {
    for (let at = join(top, path); at !== top; at = dirname(at)) touched.add(at);
  }
  for (const path of [...touched].toSorted().toReversed()) utimesSync(path, LONG_AGO, LONG_AGO);
  return changing;
}

/** Pieces from all over `source`, so that no two files are the same. */
function writePieces(path, source, size, random) {
  const pieces = [];
  for (let left = size; left > 0; ) {
    const length = Math.min(left, 300 + Math.floor(random() * 60_000));
    const at = Math.floor(random() * (source.length - length));
    pieces.push(source.subarray(at, at + length));
    left -= length;
  }
  writeFileSync(path, Buffer.concat(pieces));
}

/** One file of `mebibytes` MiB of noise. */
export function makeBigFile(path, mebibytes, seed = 6) {
  const random = randomNumbers(seed);
  const block = noise(random, 1024 * 1024);
  const file = openSync(path, 'w');
  for (let i = 0; i < mebibytes; i++) {
    block.writeUInt32LE(i, 0); // no two blocks are the same
    for (let at = 4096; at < block.length; at += 4096) block.writeUInt32LE((random() * 2 ** 32) >>> 0, at);
    writeSync(file, block);
  }
  closeSync(file);
  utimesSync(path, LONG_AGO, LONG_AGO);
}

/** The archive of a root filesystem with a static busybox, and a file of noise to make it big. */
export function makeBase(path, mebibytes) {
  mkdirSync(join(path, 'bin'), { recursive: true });
  quietly(['sh', '-c', `cp "$(command -v busybox)" ${path}/bin/busybox`]);
  for (const name of ['sh', 'true', 'echo', 'mkdir', 'sleep']) symlinkSync('busybox', join(path, 'bin', name));
  if (mebibytes > 0) makeBigFile(join(path, 'noise'), mebibytes, 7);
  quietly(['tar', 'cf', `${path}.tar`, '-C', path, '.']);
  rmSync(path, { recursive: true });
  return `${path}.tar`;
}
