import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

// Each test file has a temporary directory of its own, so that what its tests leave in it goes with it. Ordinary users get in.
const [outer, own] = [process.env['TMPDIR'], mkdtempSync(join(tmpdir(), 'ts-'))];
chmodSync(own, 0o1777);
process.env['TMPDIR'] = own;

afterAll(() => {
  rmSync(own, { recursive: true, force: true });
  if (outer === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outer;
});
