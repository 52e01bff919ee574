import { expect, it } from 'vitest';
import { storeRoot } from '../src/store/store-root.ts';

it.each([
  ['/a', { TSBUILD_ROOT: '/b' }, '/a'],
  ['a', {}, '/work/a'],
  [undefined, { TSBUILD_ROOT: 'b', XDG_DATA_HOME: '/x', HOME: '/home/me' }, '/work/b'],
  [undefined, { XDG_DATA_HOME: '/x', HOME: '/home/me' }, '/x/tsbuild'],
  [undefined, { XDG_DATA_HOME: 'relative', HOME: '/home/me' }, '/home/me/.local/share/tsbuild'],
  [undefined, { TSBUILD_ROOT: '', HOME: '/home/me' }, '/home/me/.local/share/tsbuild'],
])('--root %s with %j is %s', (option, env, root) => {
  expect(storeRoot(option, { env, cwd: '/work' })).toBe(root);
});
