import { Layout } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

describe('tag', () => {
  it('gives an image another name', async () => {
    const root = await temporaryDirectory();
    const image = await addSampleImage(root, ['my-app']);
    expect(await tsbuild(['tag', 'my-app', 'ghcr.io/me/app:2'], { root })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    const found = await (await Layout.open(root)).resolve('ghcr.io/me/app:2');
    expect(found.id).toBe(image.id);
  });

  it('fails for a missing image and a wrong name', async () => {
    const root = await temporaryDirectory();
    await addSampleImage(root, ['my-app']);
    expect((await tsbuild(['tag', 'nope', 'x'], { root })).code).toBe(1);
    expect((await tsbuild(['tag', 'my-app', 'UPPER'], { root })).stderr).toMatch(/lowercase/);
  });
});

describe('rmi', () => {
  it('takes names away, and the image with its last one', async () => {
    const root = await temporaryDirectory();
    const image = await addSampleImage(root, ['my-app', 'other:1']);
    expect(await tsbuild(['rmi', 'other:1'], { root })).toMatchObject({ code: 0, stdout: 'Untagged: other:1\n' });
    expect(await tsbuild(['image', 'rm', 'my-app'], { root })).toMatchObject({
      code: 0,
      stdout: `Untagged: my-app:latest\nDeleted: ${image.id}\n`,
    });
    const layout = await Layout.open(root);
    expect(await layout.blobs.has(image.id)).toBeUndefined();
  });

  it('removes what it can and reports the rest', async () => {
    const root = await temporaryDirectory();
    await addSampleImage(root, ['my-app', 'other:1']);
    const outcome = await tsbuild(['rmi', 'nope', 'other:1'], { root });
    expect(outcome).toMatchObject({ code: 1, stdout: 'Untagged: other:1\n' });
    expect(outcome.stderr).toMatch(/nope/);
  });

  it('with --force takes an ID with all its names, and does not mind what is missing', async () => {
    const root = await temporaryDirectory();
    const image = await addSampleImage(root, ['my-app', 'other:1']);
    const id = image.id.slice(7, 19);
    expect((await tsbuild(['rmi', id], { root })).code).toBe(1);
    const outcome = await tsbuild(['rmi', '-f', 'nope', id], { root });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/Untagged: my-app:latest\n[\s\S]*Deleted: sha256:/);
  });
});
