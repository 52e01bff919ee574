import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyLayer } from '../../packages/oci/src/disk/apply-layer.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { mutateTar } from '../mutate/tar.ts';
import { tarSeeds } from '../seeds/tars.ts';
import { mustHold } from '../target.ts';
import type { Running, Target } from '../target.ts';

/** Everything outside of the directory that a layer is put onto, in words. */
function describe(canary: string): string {
  const stats = [canary, join(canary, 'secret')].map((path) => {
    const { mode, nlink, mtimeMs, uid, size } = lstatSync(path);
    return [mode, nlink, mtimeMs, uid, size].join(' ');
  });
  return [...stats, readFileSync(join(canary, 'secret'), 'utf8'), ...readdirSync(canary)].join('|');
}

function openApplication(): Running {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-'));
  const [root, canary, spool] = ['root', 'canary', 'spool'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(canary);
  mkdirSync(spool);
  writeFileSync(join(canary, 'secret'), 'secret', { mode: 0o640 });
  const before = describe(canary);
  const run = async (input: Uint8Array): Promise<void> => {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, 'd'), { recursive: true });
    symlinkSync(canary, join(root, 'a'));
    symlinkSync('../../canary', join(root, 'd/b'));
    writeFileSync(join(root, 'x'), 'lower');
    try {
      await applyLayer(chunked(input), root, {
        owners: false,
        devices: false,
        xattrs: false,
        maxBytes: 10_000_000,
        temporaryDirectory: spool,
      });
    } finally {
      mustHold(describe(canary) === before, 'something outside of the directory has changed');
      mustHold(readdirSync(folder).length === 3 && readdirSync(spool).length === 0, 'something was left behind');
    }
  };
  return { run, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Putting hostile layers onto a directory on disk that holds links to outside: nothing there may change. */
export const apply: Target = { name: 'apply', seeds: tarSeeds, mutate: mutateTar, open: openApplication };
