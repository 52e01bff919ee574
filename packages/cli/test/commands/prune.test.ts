import { Layout } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

/** A store with one image that has a name and one that has none. */
async function store() {
  const root = await temporaryDirectory();
  const named = await addSampleImage(root, ['kept'], { labels: { which: 'named' } });
  const dangling = await addSampleImage(root, [], { labels: { which: 'dangling' } });
  const ids = async () => (await (await Layout.open(root)).images()).map(({ id }) => id).toSorted();
  return { root, named: named.id, dangling: dangling.id, ids };
}

// An ordinary user's command starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('prune (needs root)', () => {
  it.each([['image'], ['system']])('%s prune removes the image without a name, and with -a all', async (noun) => {
    const { root, named, dangling, ids } = await store();
    const first = await tsbuild([noun, 'prune', '-f'], { root });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain(`Deleted Images:\ndeleted: ${dangling}\n`);
    expect(first.stdout).toMatch(/\nTotal reclaimed space: \S+B\n$/);
    expect(await ids()).toEqual([named]);
    const all = await tsbuild([noun, 'prune', '-af'], { root });
    expect(all.stdout).toContain(`untagged: kept:latest\ndeleted: ${named}\n`);
    expect(await ids()).toEqual([]);
  });

  it('image prune takes what its filters say', async () => {
    const { root, named, dangling, ids } = await store();
    await tsbuild(['image', 'prune', '-af', '--filter', 'label=which=dangling'], { root });
    expect(await ids()).toEqual([named]);
    expect(dangling).not.toBe(named);
    await tsbuild(['image', 'prune', '-af', '--filter', 'label!=which'], { root });
    expect(await ids()).toEqual([named]);
  });

  it.each([['image'], ['system']])('%s prune removes nothing when nobody can be asked', async (noun) => {
    const { root, ids } = await store();
    expect(await tsbuild([noun, 'prune', '-a'], { root })).toMatchObject({ code: 1, stdout: '' });
    expect(await ids()).toHaveLength(2);
  });
});

it('info counts, and says where the store is', async () => {
  const { root } = await store();
  const format = '{{.Images}} {{.Containers}} {{.OSType}} {{.DockerRootDir}}';
  for (const words of [['info'], ['system', 'info']]) {
    expect((await tsbuild([...words, '--format', format], { root })).stdout).toBe(`2 0 linux ${root}\n`);
  }
});
