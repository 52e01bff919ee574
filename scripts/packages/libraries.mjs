// The libraries as those get them who install them: what publint and attw say of the tarballs, and programs that use them, in
// plain JavaScript, CommonJS and TypeScript.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONSUMER_PROGRAMS } from './consumer-programs.mjs';
import { OFFLINE, PROJECT, program, run } from './run.mjs';

/** What they depend on. koffi is optional, and not there. */
const OTHERS = ['@noble/hashes'];

/**
 * A project of somebody else, with both libraries installed.
 * @param {string} directory
 * @param {Readonly<Record<string, import('./pack.mjs').Packed>>} packed
 */
export function installLibraries(directory, packed) {
  const consumer = join(directory, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const others = OTHERS.map((name) => join(PROJECT, 'node_modules', name));
  const tarballs = [packed.oci.tarball, packed.builder.tarball];
  run(consumer, 'npm', 'install', ...OFFLINE, '--omit=optional', '--install-links', ...tarballs, ...others);
  for (const [name, text] of Object.entries(CONSUMER_PROGRAMS)) writeFileSync(join(consumer, name), text);
  cpSync(join(PROJECT, 'examples/oci/05-load-archive.mjs'), join(consumer, '05-load-archive.mjs'));
  return consumer;
}

/** Strict, and the declarations of the packages themselves are checked. */
const STRICT = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--skipLibCheck',
  'false',
  '--target',
  'es2022',
];
const BROWSER = ['--lib', 'es2022,dom', '--types', '', '--module', 'esnext', '--moduleResolution', 'bundler'];
const TYPES = join(PROJECT, 'node_modules/@types');
const NODE = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--typeRoots', TYPES, '--module', 'nodenext'];

/** @param {import('./pack.mjs').Packed} packed */
const judged = ({ name, tarball }) => [
  [`publint: ${name}`, () => run(PROJECT, program('publint'), '--strict', tarball)],
  [`attw: ${name}`, () => run(PROJECT, program('attw'), '--profile', 'esm-only', '--no-emoji', tarball)],
];

/**
 * What is checked, by name.
 * @param {string} consumer
 * @param {Readonly<Record<string, import('./pack.mjs').Packed>>} packed
 * @returns {[string, () => void][]}
 */
export function libraryChecks(consumer, packed) {
  const node = (...args) => run(consumer, process.execPath, ...args);
  const tsc = (...args) => run(consumer, program('tsc'), ...STRICT, ...args);
  const checks = [
    ...judged(packed.oci),
    ...judged(packed.builder),
    ['plain JavaScript', () => node('use.mjs')],
    ['CommonJS', () => node('use.cjs')],
    ['an example of the README', () => node('05-load-archive.mjs', 'hello.tar', 'layout', 'hello:1')],
    ['a build by the library', () => node('build.mjs')],
    ['types of the core, for browsers', () => tsc(...BROWSER, 'core.ts')],
    ['types of the Node entries', () => tsc(...NODE, 'node.ts', 'builder.ts')],
  ];
  // What the programs say matters only when they fail.
  return checks.map(([name, work]) => [name, () => void work()]);
}
