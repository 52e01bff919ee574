import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Digest } from '../../src/spec/digest.ts';
import { importRootfs } from '../../src/archive/import-rootfs.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { makeTar } from '../../testing/make-tar.ts';
import { validateImage } from '../../src/validation/validate.ts';
import { freshLayout, layerTar, scratchFolder } from './images.ts';
import { packed, stream } from './pack.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const rootfs = layerTar({ 'bin/sh': '#!', 'etc/os-release': 'x' });
const created = new Date('2024-05-06T07:08:09Z');

describe('importRootfs()', () => {
  it('makes a one-layer image of a tar', async () => {
    const path = await packed(scratch, { 'etc/hostname': 'x' });
    const image = await importRootfs(path, layout, {
      reference: parseReference('base:1'),
      config: { Cmd: ['/bin/sh'], Env: ['A=1'] },
      created,
      platform: { os: 'linux', architecture: 'arm64' },
    });
    expect(image.config).toEqual({
      architecture: 'arm64',
      os: 'linux',
      created: '2024-05-06T07:08:09Z',
      config: { Cmd: ['/bin/sh'], Env: ['A=1'] },
      history: [{ created: '2024-05-06T07:08:09Z', comment: `Imported from ${path}` }],
      rootfs: { type: 'layers', diff_ids: [image.layers[0]?.digest] },
    });
    expect((await layout.resolve('base:1')).id).toBe(image.id);
    expect(await validateImage(layout.blobs, image.manifest)).toEqual([]);
  });

  it('takes a stream, plain or gzip, to the same layer', async () => {
    const plain = await importRootfs(stream(rootfs, 700), layout, { created, message: 'from me' });
    const zipped = await importRootfs(stream(gzipSync(rootfs), 70), layout, { created, message: 'from me' });
    expect(zipped.id).toBe(plain.id);
    expect(plain.layers[0]?.digest).toBe(sha256Digest(rootfs));
    expect(plain.config.history).toEqual([{ created: '2024-05-06T07:08:09Z', comment: 'from me' }]);
    expect(await layout.images()).toHaveLength(1);
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('hello '.repeat(200))],
    ['a cut tar', rootfs.subarray(0, 513)],
    ['a cut gzip', gzipSync(rootfs).subarray(0, 60)],
    ['a hard link to no file of it', makeTar([{ name: 'etc/shadow', type: '1', linkName: 'etc/passwd' }])],
  ])('refuses %s and stores nothing', async (_, bytes) => {
    await expect(importRootfs(stream(bytes, 300), layout)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(await layout.images()).toEqual([]);
    expect(await readdir(join(layout.root, 'blobs/sha256'))).toEqual([]);
    expect(await readdir(join(layout.root, 'tmp'))).toEqual([]);
  });
});
