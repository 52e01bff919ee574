import { describe, expect, it } from 'vitest';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function storeWithImages() {
  const root = await temporaryDirectory();
  const old = await addSampleImage(root, ['my-app:1', 'ghcr.io/me/app:2.0'], {
    created: '2025-12-30T12:00:00Z',
    blocks: 8,
  });
  const recent = await addSampleImage(root, ['my-app'], { labels: { stage: 'test' } });
  const dangling = await addSampleImage(root, [], { created: '2025-12-01T00:00:00Z' });
  return { root, old, recent, dangling, list: (...argv: string[]) => tsbuild(['images', ...argv], { root }) };
}

it('lists nothing of an empty store', async () => {
  const { stdout, code } = await tsbuild(['images'], { root: await temporaryDirectory() });
  expect(code).toBe(0);
  expect(stdout).toBe('REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n');
});

describe('images', () => {
  it("lists docker's columns, newest first", async () => {
    const { list, old, recent, dangling } = await storeWithImages();
    const { stdout } = await list();
    const short = (image: typeof old) => image.id.slice(7, 19);
    expect(stdout).toBe(
      [
        'REPOSITORY       TAG       IMAGE ID       CREATED       SIZE',
        `my-app           latest    ${short(recent)}   2 hours ago   2.05kB`,
        `my-app           1         ${short(old)}   2 days ago    4.1kB`,
        `ghcr.io/me/app   2.0       ${short(old)}   2 days ago    4.1kB`,
        `<none>           <none>    ${short(dangling)}   4 weeks ago   2.05kB`,
        '',
      ].join('\n'),
    );
  });

  it('filters by name, label and danglingness', async () => {
    const { list, old, recent, dangling } = await storeWithImages();
    const ids = async (...argv: string[]) => (await list('-q', '--no-trunc', ...argv)).stdout.trim().split('\n');
    expect(await ids('my-app')).toEqual([recent.id, old.id]);
    expect(await ids('my-app:1')).toEqual([old.id]);
    expect(await ids('ghcr.io/*/app')).toEqual([old.id]);
    expect(await ids('nothing')).toEqual(['']);
    expect(await ids('--filter', 'dangling=true')).toEqual([dangling.id]);
    expect(await ids('-f', 'label=stage')).toEqual([recent.id]);
    expect(await ids('-f', 'label=stage=prod')).toEqual(['']);
    expect(await ids('-f', 'reference=*:latest', '-f', 'reference=*:1')).toEqual([recent.id, old.id]);
  });

  it('filters by what was made before and since an image', async () => {
    const { list, old, recent, dangling } = await storeWithImages();
    const ids = async (...argv: string[]) => (await list('-q', '--no-trunc', ...argv)).stdout.trim().split('\n');
    expect(await ids('-f', 'before=my-app:1')).toEqual([dangling.id]);
    expect(await ids('-f', `since=${dangling.id.slice(7, 19)}`)).toEqual([recent.id, old.id, old.id]);
    expect(await ids('-f', 'since=my-app')).toEqual(['']);
    const { stderr, code } = await list('-f', 'before=nope');
    expect([code, stderr]).toEqual([1, expect.stringContaining('nope')]);
  });

  it('shows digests when asked', async () => {
    const { list } = await storeWithImages();
    const [head, row] = (await list('--digests', 'my-app:latest')).stdout.split('\n');
    expect(head).toBe('REPOSITORY   TAG       DIGEST    IMAGE ID       CREATED       SIZE');
    expect(row).toMatch(/^my-app       latest    <none>    [0-9a-f]{12}   2 hours ago   2\.05kB$/);
  });

  it('prints JSON lines and templates', async () => {
    const { list, recent } = await storeWithImages();
    const { stdout } = await list('--format', 'json', 'my-app:latest');
    expect(JSON.parse(stdout)).toEqual({
      Repository: 'my-app',
      Tag: 'latest',
      Digest: '<none>',
      ID: recent.id.slice(7, 19),
      CreatedAt: '2026-01-01 10:00:00 +0000 UTC',
      CreatedSince: '2 hours ago',
      Size: '2.05kB',
    });
    expect((await list('--format', '{{.Repository}}:{{.Tag}}', 'my-app')).stdout).toBe('my-app:latest\nmy-app:1\n');
  });

  it('refuses unknown filters', async () => {
    const { list } = await storeWithImages();
    expect(await list('-f', 'refrence=x')).toMatchObject({
      code: 2,
      stderr:
        'ERROR: invalid --filter "refrence=x": expected one of before, dangling, label, reference, since\nhint: did you mean reference?\n',
    });
    expect((await list('-f', 'dangling=maybe')).code).toBe(2);
    expect((await list('-f', 'dangling')).code).toBe(2);
  });
});
