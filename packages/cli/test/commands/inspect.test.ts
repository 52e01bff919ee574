import { expect, it } from 'vitest';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

it('prints the document of docker image inspect', async () => {
  const root = await temporaryDirectory();
  const image = await addSampleImage(root, ['my-app', 'ghcr.io/me/app:2']);
  const { stdout, code } = await tsbuild(['inspect', 'my-app'], { root });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([
    { Id: image.id, RootFS: { Layers: image.layers.map((layer) => layer.digest) } },
  ]);
  expect(stdout.replaceAll(/[0-9a-f]{64}/g, 'HEX')).toMatchSnapshot();
});

it('prints what it finds and names what it does not', async () => {
  const root = await temporaryDirectory();
  const image = await addSampleImage(root, ['my-app']);
  const outcome = await tsbuild(['image', 'inspect', 'nope', image.id.slice(7, 19), 'also:nope'], { root });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toBe('Error: No such image: nope\nError: No such image: also:nope\n');
  expect(JSON.parse(outcome.stdout)).toMatchObject([{ Id: image.id }]);
  expect(await tsbuild(['inspect', 'nope'], { root })).toMatchObject({ code: 1, stdout: '[]\n' });
});

it('goes on after a name that is none', async () => {
  const root = await temporaryDirectory();
  const image = await addSampleImage(root, ['my-app']);
  const outcome = await tsbuild(['inspect', 'UPPER/Case', 'my-app'], { root });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toMatch(/^ERROR: .*lowercase/);
  expect(JSON.parse(outcome.stdout)).toMatchObject([{ Id: image.id }]);
});

it('formats', async () => {
  const root = await temporaryDirectory();
  const image = await addSampleImage(root, ['my-app']);
  expect((await tsbuild(['inspect', '-f', '{{.Id}} {{json .Config.Cmd}}', 'my-app'], { root })).stdout).toBe(
    `${image.id} ["node","server.js"]\n`,
  );
  expect((await tsbuild(['inspect', '--format=json', 'my-app'], { root })).stdout).toMatch(/^\[\{.*\}\]\n$/);
});
