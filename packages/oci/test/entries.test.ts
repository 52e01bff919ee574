import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as core from '../src/index.ts';
import * as node from '../src/node.ts';

const esbuild = join(import.meta.dirname, '../../../node_modules/.bin/esbuild');
const bundle = (entry: string, ...args: readonly string[]): string =>
  execFileSync(esbuild, [join(import.meta.dirname, '../src', entry), '--bundle', '--format=esm', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

it('the core entry runs in a browser: nothing of it needs Node', () => {
  expect(bundle('index.ts', '--platform=browser')).not.toMatch(/from "node:|require\("node:|\bBuffer\b|\bprocess\./);
});

it('the Node entry holds all of the core', () => {
  expect(Object.keys(node)).toEqual(expect.arrayContaining(Object.keys(core)));
  expect(Object.keys(node)).toEqual(expect.arrayContaining(['Layout', 'LayerWriter', 'loadArchive', 'writeArchive']));
});
