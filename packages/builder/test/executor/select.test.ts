import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asOrdinaryUser } from '../../../oci/testing/as-ordinary-user.ts';
import { canMakeCgroups, findRuntime } from '../../src/executor/runc-executor.ts';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { selectExecutor } from '../../src/executor/select.ts';
import { setupFailure } from '../../src/executor/setup-failure.ts';

const root = process.getuid?.() === 0;
const runtime = findRuntime();

describe('selectExecutor', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'tsbuild-select-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  it.skipIf(!root)('takes namespaces when told, and has a filter for them (as root)', async () => {
    const notices: string[] = [];
    await prepareProcess('namespaces');
    const executor = await selectExecutor('namespaces', { scratch, notice: (text) => notices.push(text) });
    expect(executor.name).toBe('namespaces');
    expect(notices).toEqual([]);
  });

  it.skipIf(!root || runtime === undefined || !canMakeCgroups())(
    'takes the runtime where there is one (as root, with runc or crun)',
    async () => {
      expect((await selectExecutor('auto', { scratch })).name).toBe(runtime?.kind);
      expect((await selectExecutor('runc', { scratch })).name).toBe(runtime?.kind);
    },
  );

  it.skipIf(!root)('takes chroot only when told, and says that it is no sandbox (as root)', async () => {
    const notices: string[] = [];
    const executor = await selectExecutor('chroot', { scratch, notice: (text) => notices.push(text) });
    expect(executor.name).toBe('chroot');
    expect(notices).toEqual([expect.stringContaining('--isolation chroot is no sandbox')]);
  });

  it('says that chroot needs root', () =>
    asOrdinaryUser(async () => {
      await expect(selectExecutor('chroot', { scratch })).rejects.toMatchObject({
        code: 'SANDBOX_UNAVAILABLE',
        message: expect.stringContaining('needs root'),
      });
    }));

  it('says that an ordinary user needs a user namespace first', () =>
    asOrdinaryUser(async () => {
      await expect(selectExecutor('auto', { scratch })).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    }));
});

describe('what a failed set-up means', () => {
  it.each([
    [
      'mount: /s/root: wrong fs type, bad option, bad superblock on overlay, missing codepage.',
      /overlayfs cannot be mounted/,
    ],
    ['mount: /s/root/proc: permission denied.', /systempaths=unconfined/],
    ['unshare: unshare failed: Operation not permitted', /--privileged/],
  ])('%s', (line, hint) => {
    const error = setupFailure([line, '       dmesg(1) may have more information after failed mount system call.'], 32);
    expect(error.message).toBe(`cannot set up the sandbox: ${line}`);
    expect(error.hint).toMatch(hint);
  });
});
