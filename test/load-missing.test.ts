import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { docker, lab, withoutEngine } from './support/lab.ts';
import { contextOf, scratch, tsbuild } from './support/tsbuild.ts';

/** The engine's socket behind one of our own that counts what is sent to it. */
async function countingSocket(): Promise<{ readonly address: string; sent(): number }> {
  const path = join(await scratch(), 'counted.sock');
  let sent = 0;
  const server = net.createServer((client) => {
    const engine = net.connect(join(lab.engine ?? '', 'docker.sock'));
    client.on('data', (chunk) => {
      sent += chunk.length;
    });
    client.pipe(engine).pipe(client);
    for (const socket of [client, engine]) socket.on('error', () => [client, engine].map((each) => each.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return {
    address: `unix://${path}`,
    sent: () => {
      const before = sent;
      sent = 0;
      return before;
    },
  };
}

const MIB = 1024 * 1024;

describe.skipIf(withoutEngine)('--load sends what the engine lacks (needs root and dockerd)', () => {
  it('grows with the missing layers alone, and the image works', async () => {
    const builder = await tsbuild();
    const engine = await countingSocket();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY big /\nCOPY small /\n', small: 'one\n' });
    await writeFile(join(context, 'big'), randomBytes(20 * MIB));
    const load = async (): Promise<number> => {
      const env = { DOCKER_HOST: engine.address };
      const { stderr } = await builder.build(context, ['--load', '-t', 'missing:1'], { env });
      expect(stderr).toContain('Loaded image: missing:1');
      return engine.sent();
    };
    const content = () => docker().output(['run', '--rm', '--network', 'none', 'missing:1', 'cat', '/small']);

    expect(await load()).toBeGreaterThan(20 * MIB);
    expect(await content()).toBe('one\n');
    // Nothing is missing, then one small layer, then that and one of a mebibyte.
    expect(await load()).toBeLessThan(64 * 1024);
    await writeFile(join(context, 'small'), 'two\n');
    expect(await load()).toBeLessThan(64 * 1024);
    expect(await content()).toBe('two\n');
    await writeFile(join(context, 'small'), Buffer.concat([Buffer.from('three\n'), randomBytes(MIB)]));
    const grown = await load();
    expect(grown).toBeGreaterThan(MIB);
    expect(grown).toBeLessThan(MIB + 64 * 1024);
    expect(await builder.id('missing:1')).toBe(
      (await docker().output(['image', 'inspect', '-f', '{{.Id}}', 'missing:1'])).trim(),
    );
  });

  it('does not trust a layer above others: the same layer on another base is sent', async () => {
    const builder = await tsbuild();
    const engine = await countingSocket();
    const env = { DOCKER_HOST: engine.address };
    const context = await contextOf({
      Dockerfile: 'FROM scratch\nCOPY lower /\nCOPY big /\n',
      lower: randomBytes(9).toString('hex'),
    });
    await writeFile(join(context, 'big'), randomBytes(2 * MIB));
    await builder.build(context, ['--load', '-t', 'missing:2'], { env });
    engine.sent();
    await writeFile(join(context, 'lower'), 'another');
    await builder.build(context, ['--load', '-t', 'missing:2'], { env });
    expect(engine.sent()).toBeGreaterThan(2 * MIB);
  });
});
