import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { manifestFaults } from '../../../../scripts/packages/manifests.mjs';
import { noticesOf } from '../../../../scripts/packages/notices.mjs';

const PROJECT = join(import.meta.dirname, '../../../..');
const copies: string[] = [];
afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
});

/** A directory that goes away. */
function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-manifests-'));
  copies.push(directory);
  return directory;
}

const FILES = ['package.json', ...['oci', 'builder', 'cli'].map((name) => `packages/${name}/package.json`)];

/** The package.json files of the project, with some text in one of them replaced. */
function changed(file: string, from: string, to: string): string {
  const copy = scratch();
  for (const name of FILES) {
    mkdirSync(join(copy, name, '..'), { recursive: true });
    cpSync(join(PROJECT, name), join(copy, name));
  }
  const text = readFileSync(join(copy, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(copy, file), text.replace(from, to));
  return copy;
}

it('the packages say of themselves what npm wants to know, and of each other what is true', () => {
  expect(manifestFaults(PROJECT)).toEqual([]);
});

it.each([
  ['cli', '"version": "', '"version": "9', 'version is "9'],
  ['cli', '"@tsbuild/oci": "', '"@tsbuild/oci": "9', 'it wants @tsbuild/oci 9'],
  ['builder', '"access": "public"', '"access": "restricted"', 'publishConfig is '],
  ['oci', '"directory": "packages/oci"', '"directory": "oci"', 'repository is '],
  ['cli', '"devDependencies"', '"dependencies"', 'leven would be installed for every user'],
  ['builder', '"keywords": [', '"words": [', 'it has no keywords'],
])('a fault of %s is told: %s', (name, from, to, expected) => {
  const file = `packages/${name}/package.json`;
  expect(manifestFaults(changed(file, from, to)).join('\n')).toContain(`${file}: ${expected}`);
});

it.each(['oci', 'builder', 'cli'])('%s carries the licence', (name) => {
  const licence = readFileSync(join(PROJECT, 'LICENSE'), 'utf8');
  expect(readFileSync(join(PROJECT, `packages/${name}/LICENSE`), 'utf8')).toBe(licence);
});

/** What esbuild tells of a bundle of these files. */
const bundleOf = (...paths: readonly string[]) => ({
  inputs: {},
  outputs: {
    'out.js': {
      bytes: 0,
      inputs: Object.fromEntries(paths.map((path) => [path, { bytesInOutput: path.endsWith('unused.js') ? 0 : 1 }])),
      imports: [],
      exports: [],
    },
  },
});

/** A package as it lies in node_modules. */
function library(root: string, path: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, path), { recursive: true });
  const name = path.replace(/^.*node_modules\//, '');
  writeFileSync(join(root, path, 'package.json'), JSON.stringify({ name, version: '1.0.0', license: 'MIT' }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, path, file), text);
}

it('notices name every library in the bundle, those of libraries too, and equal licences once', () => {
  const root = scratch();
  library(root, 'node_modules/a', { license: 'Copyright A' });
  library(root, 'node_modules/a/node_modules/@b/c', { 'LICENSE.txt': 'Copyright A\r\n' });
  library(root, 'node_modules/d', { 'LICENCE.md': 'Copyright D', 'NOTICE.txt': 'D was made by many' });
  library(root, 'node_modules/e', {});
  const bundle = bundleOf(
    'src/own.ts',
    ...['a', 'a/node_modules/@b/c', 'd'].map((name) => `node_modules/${name}/x.js`),
  );
  const text = noticesOf('@tsbuild/x', root, [bundle, bundleOf('node_modules/e/unused.js')]);
  const [, first, second, ...others] = text.split(/^-{80}$/m).map((part) => part.trim());
  expect(first).toBe('@b/c 1.0.0 (MIT)\na 1.0.0 (MIT)\n\nCopyright A');
  expect(second).toBe('d 1.0.0 (MIT)\n\nCopyright D\n\nD was made by many');
  expect(others).toEqual([]);
});

it('a library without a licence is not bundled', () => {
  const root = scratch();
  library(root, 'node_modules/e', {});
  expect(() => noticesOf('@tsbuild/x', root, [bundleOf('node_modules/e/x.js')])).toThrow(
    'has no file with its licence',
  );
});
