import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../../testing/build-bench.ts';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';

/** A command that knows which build it is in, as a cache mount carries over: `$n` is 0 in the first, then 1. */
const counting = (id: string, command: string): string =>
  `RUN --mount=type=cache,id=${id},target=/count n=$(cat /count/n || echo 0); echo $((n + 1)) >/count/n; ${command}\n`;

describe.skipIf(NO_SANDBOX !== '')(`a build that is verified${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  let count = 0;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const verified = async (text: string, options: Parameters<BuildBench['build']>[1] = {}) => {
    const result = await bench.build(text, { verify: true, epoch: 1_700_000_000, ...options });
    if (result.verification === undefined) throw new Error('the build was not verified');
    return { ...result, verification: result.verification };
  };
  const once = (command: string): string => counting(`c${count++}`, command);

  it('finds that two builds give one image, and ran every step twice', async () => {
    const context = bench.files('same', { a: '1', 'b/c': '2' });
    const text = 'FROM busybox\nWORKDIR /w\nCOPY . .\nRUN ls -lR /w && date -u -r /w/a >/times\n';
    await bench.build(text, { context, epoch: 1_700_000_000 });
    const { verification, image, events } = await verified(text, { context });
    expect(verification).toMatchObject({ same: true, ids: [image.id, image.id], steps: [], onlyTimes: false });
    expect(events.match(/"step-finished"/g)).toHaveLength(6);
    expect(events).not.toContain('"step-cached"');
    expect(events.split('\n').at(-1)).toContain('"build-verified"');
  });

  it.each<[string, string, object]>([
    ['content', 'echo $n$n >/f', { name: 'content', first: '3 bytes', second: '3 bytes' }],
    ['mode', 'touch /f; chmod $((600 + n * 44)) /f', { name: 'mode', first: '0600', second: '0644' }],
    [
      'mtime',
      'touch -d @$((1000 + n)) /f',
      { name: 'mtime', first: '1970-01-01T00:16:40Z', second: '1970-01-01T00:16:41Z' },
    ],
    ['owner', 'touch /f; chown $n:5 /f', { name: 'owner', first: '0:5', second: '1:5' }],
    ['link', 'ln -s to$n /f', { name: 'link', first: 'to0', second: 'to1' }],
    ['type', '[ $n = 0 ] && ln -s x /f || mkfifo /f', { name: 'type', first: 'symlink', second: 'fifo' }],
  ])('names the instruction and the file, and that its %s differs', async (_, command, attribute) => {
    const { verification } = await verified(`FROM busybox\nRUN touch /same\n${once(command)}`);
    expect(verification).toMatchObject({
      same: false,
      dockerfile: expect.stringMatching(/Dockerfile$/),
      steps: [
        {
          id: 'stage-0/2',
          number: 2,
          stage: 'stage-0',
          range: { start: { line: 3 } },
          inImage: true,
          follows: [],
          files: [{ path: '/f', change: 'changed', attributes: [attribute] }],
          total: 1,
        },
      ],
    });
    expect(verification.ids[0]).not.toBe(verification.ids[1]);
  });

  it('names what only one build has, and what only one removes', async () => {
    const { verification } = await verified(
      `FROM busybox\n${once('touch /only$n; [ $n = 1 ] && rm /etc/passwd || true')}`,
    );
    expect(verification.steps[0]?.files).toMatchObject([
      { path: '/etc', change: 'added' },
      { path: '/etc/passwd', change: 'removed' },
      { path: '/only0', change: 'removed' },
      { path: '/only1', change: 'added' },
    ]);
  });

  it('tells what may differ only for the sake of a step before it, across stages', async () => {
    const { verification } = await verified(
      `FROM busybox AS a\n${once('echo $n >/made')}FROM busybox\nRUN touch /x\nCOPY --from=a /made /\n`,
    );
    expect(verification.steps.map(({ id, follows, inImage }) => [id, follows, inImage])).toEqual([
      ['a/1', [], false],
      ['stage-1/2', ['a/1'], true],
    ]);
  });

  it('finds the image the same although another stage is not', async () => {
    const { verification } = await verified(
      `FROM busybox AS a\n${once('echo $n >/log; echo x >/made')}FROM busybox\nCOPY --from=a /made /\n`,
    );
    expect(verification).toMatchObject({ same: true, steps: [{ id: 'a/1' }] });
  });

  it('finds times alone where no time is set', async () => {
    const result = await bench.build('FROM busybox\nRUN echo same >/f\n', { verify: true });
    expect(result.verification).toMatchObject({ same: false, onlyTimes: true, steps: [{ total: 1, timesOnly: 1 }] });
  });

  it('names the first image, and leaves records and explanations to it', async () => {
    const text = `FROM busybox\n${once('echo $n >/f')}RUN cp /f /g\n`;
    const { image, verification } = await verified(text, { tags: ['first:1'] });
    expect((await bench.store.layout.resolve('first:1')).id).toBe(image.id);
    expect(verification.ids[0]).toBe(image.id);
    expect(bench.store.builds.get('last')?.steps.map(({ state }) => state)).toEqual(['run', 'run']);
    expect(bench.store.builds.get('last')?.image?.id).toBe(image.id);
    // The next build finds what the first one made, not what the second did.
    const again = await bench.build(text, { epoch: 1_700_000_000 });
    expect(again.image.id).toBe(image.id);
    expect(again.steps).toMatchObject({ cached: 2 });
    const before = blobs(bench);
    await bench.store.collect();
    expect(before.length - blobs(bench).length).toBeGreaterThan(0);
  });

  it('says that it was the second build that failed', async () => {
    await expect(verified(`FROM busybox\n${once('[ $n = 0 ]')}`)).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: expect.stringMatching(/^the second build failed: process .* exit code: 1$/),
      exitCode: 1,
      range: { start: { line: 2 } },
    });
  });
});

function blobs(bench: BuildBench): readonly string[] {
  return readdirSync(join(bench.store.root, 'blobs/sha256')).filter(
    (name) => readFileSync(join(bench.store.root, 'blobs/sha256', name)).length > 0,
  );
}
