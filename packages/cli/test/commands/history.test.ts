import { expect, it } from 'vitest';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function history(...argv: string[]) {
  const root = await temporaryDirectory();
  const image = await addSampleImage(root, ['my-app']);
  return { ...(await tsbuild(['history', ...argv, 'my-app'], { root })), short: image.id.slice(7, 19), image };
}

it("prints docker's columns, newest step first", async () => {
  const { stdout, short } = await history();
  expect(stdout.replace(short, 'IMAGEIMAGEID')).toMatchInlineSnapshot(`
    "IMAGE          CREATED       CREATED BY                                      SIZE      COMMENT
    IMAGEIMAGEID   2 hours ago   CMD ["node" "server.js"]                        0B        buildkit.dockerfile.v0
    <missing>      2 hours ago   RUN /bin/sh -c <<EOF echo hi EOF # buildkit     0B
    <missing>      2 hours ago   COPY a-file-with-a-long-name another-file /a…   2.05kB    buildkit.dockerfile.v0
    "
  `);
});

it('shows everything with --no-trunc', async () => {
  const { stdout, image } = await history('--no-trunc');
  expect(stdout).toContain(`\n${image.id}   2 hours ago`);
  expect(stdout).toContain('COPY a-file-with-a-long-name another-file /app/ # buildkit');
});

it('prints IDs, JSON lines, exact values', async () => {
  expect((await history('-q')).stdout).toMatch(/^[0-9a-f]{12}\n<missing>\n<missing>\n$/);
  const json = await history('--format', 'json', '--no-trunc');
  expect(JSON.parse(json.stdout.split('\n')[2] ?? '')).toEqual({
    ID: '<missing>',
    CreatedAt: '2026-01-01T10:00:00Z',
    CreatedSince: '2 hours ago',
    CreatedBy: 'COPY a-file-with-a-long-name another-file /app/ # buildkit',
    Size: '2.05kB',
    Comment: 'buildkit.dockerfile.v0',
  });
  expect((await history('--human=false', '--format', '{{.CreatedSince}} {{.Size}}')).stdout).toContain(
    '2026-01-01T10:00:00Z 2048\n',
  );
});

it('fails for an image that is not there', async () => {
  const outcome = await tsbuild(['history', 'nope'], { root: await temporaryDirectory() });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^ERROR: .*nope/);
});
