import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench, type BenchBuild } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';
import type { CheckWarning, ProgressEvent } from '../src/progress/event.ts';

/** `line Rule: message` of the warnings of a build. */
function warnings({ events }: BenchBuild): readonly string[] {
  return events
    .split('\n')
    .map((line) => JSON.parse(line) as ProgressEvent)
    .filter((event): event is CheckWarning => event.type === 'check-warning')
    .map(({ rule, message, range }) => `${range.start.line} ${rule}: ${message}`);
}

/** A command that writes so many megabytes that no two files share. */
const megabytes = (path: string, count: number): string =>
  `dd if=/dev/zero of=${path} bs=1000000 count=${count} 2>/dev/null`;

describe.skipIf(NO_SANDBOX !== '')(`checks in whole builds${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());
  const build = (lines: string, options: Parameters<BuildBench['build']>[1] = {}) =>
    bench.build(`FROM busybox\n${lines}\n`, options);

  it('tells what a change of owner stores again, the second time from what it kept', async () => {
    const text = `RUN mkdir /d && ${megabytes('/d/a', 2)} && echo small >/d/b\nRUN chown -R app /d`;
    const said = [
      '3 FilesStoredTwice: chown stores 2 MB in 2 files again, such as /d/a: set the owner with COPY --chown or in the RUN that creates the files',
    ];
    expect(warnings(await build(text))).toEqual(said);
    const kept = readdirSync(join(bench.store.root, 'checks')).length;
    const again = await build(text);
    expect(again.steps).toMatchObject({ total: 2, cached: 2 });
    expect(warnings(again)).toEqual(said);
    expect(readdirSync(join(bench.store.root, 'checks')).length).toBe(kept);
    // The same layers, the instruction on another line.
    expect(warnings(await build(`\n${text}`))[0]).toMatch(/^4 FilesStoredTwice/);
    expect(
      warnings(
        await build(
          `# check=skip=FilesStoredTwice\n\n${text}`.replace(
            '\nRUN chown',
            '\n# check=skip=FilesStoredTwice\nRUN chown',
          ),
        ),
      ),
    ).toEqual([]);
  });

  it('is silent when a change of owner stores little, or other files', async () => {
    expect(warnings(await build('RUN mkdir /d && echo a >/d/a\nRUN chown -R app /d'))).toEqual([]);
    expect(warnings(await build(`RUN mkdir /d && ${megabytes('/d/a', 2)} && chown -R app /d`))).toEqual([]);
    expect(warnings(await build(`RUN ${megabytes('/a', 2)}\nRUN cat /a >/b && chown app /b`))).toEqual([]);
  });

  it('tells what stays in the image though it is deleted, and which line has stored it', async () => {
    expect(warnings(await build(`RUN mkdir /d && ${megabytes('/d/a', 3)}\nENV A=1\nRUN rm -rf /d`))).toEqual([
      '4 DeletedInLaterLayer: deletes 3 MB in one file stored by line 2, such as /d/a: they stay in the image. Delete them in the instruction that creates them, or create them in an earlier stage',
    ]);
    expect(warnings(await build(`RUN ${megabytes('/a', 3)} && rm /a`))).toEqual([]);
    expect(warnings(await build('RUN echo a >/a\nRUN rm /a'))).toEqual([]);
    // Files of the base image are somebody else's.
    expect(warnings(await build('RUN rm /bin/busybox'))).toEqual([]);
  });

  it('does not look at stages that are not in the image', async () => {
    const text = `FROM busybox AS a\nRUN ${megabytes('/a', 2)}\nRUN rm /a\nFROM scratch\nCOPY --from=a /etc/passwd /`;
    expect(warnings(await bench.build(text))).toEqual([]);
  });

  it('tells of caches of package managers that stay', async () => {
    const fill = (path: string) =>
      `mkdir -p $(dirname ${path}) /x && ${megabytes(path, 1)}`.replace('$(dirname', '$(/bin/busybox dirname');
    const [said] = warnings(await build(`RUN ${fill('/var/lib/apt/lists/x_Packages')}`));
    expect(said).toBe(
      '2 PackageCacheInLayer: leaves 1 MB in one file of the cache of apt in the image, such as /var/lib/apt/lists/x_Packages: end the RUN with `rm -rf /var/lib/apt/lists/* /var/cache/apt`',
    );
    expect(warnings(await build(`RUN ${fill('/root/.npm/_cacache/content-v2/a')}`))[0]).toContain('cache of npm');
    expect(warnings(await build(`RUN ${fill('/var/lib/apt/lists/x')} && rm -rf /var/lib/apt/lists`))).toEqual([]);
    expect(warnings(await build(`RUN ${fill('/srv/lists/x')}`))).toEqual([]);
    // Deleted later, it is said once.
    const deleted = warnings(await build(`RUN ${fill('/var/lib/apt/lists/x')}\nRUN rm -rf /var/lib/apt/lists`));
    expect(deleted.map((line) => line.split(':')[0])).toEqual(['3 DeletedInLaterLayer']);
  });

  it('tells of credentials that were copied', async () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n';
    const context = bench.files('secrets', {
      '.npmrc': '//registry.example.org/:_authToken=npm_abcdef0123456789\n',
      'home/.ssh/id_rsa': key,
      '.env': 'PORT=80\nAPI_TOKEN=abc123def\n',
      '.aws/credentials': '[default]\naws_secret_access_key = abc/def\n',
    });
    const said = warnings(await build('COPY . /app/', { context }));
    expect(said.map((line) => line.replace(/:.*(?=\/app)|: add it to .*/g, ''))).toEqual([
      '2 SecretInLayer/app/.aws/credentials in this layer contains AWS credentials',
      '2 SecretInLayer/app/.env in this layer contains secrets',
      '2 SecretInLayer/app/.npmrc in this layer contains a registry token of npm',
      '2 SecretInLayer/app/home/.ssh/id_rsa in this layer contains a private key',
    ]);
  });

  it('is silent for files that only have the names of secrets', async () => {
    const context = bench.files('no-secrets', {
      '.npmrc': '//registry.example.org/:_authToken=${NPM_TOKEN}\nfund=false\n',
      '.env': 'PORT=80\nAPI_TOKEN=\nPASSWORD=changeme\nNEXT_PUBLIC_KEY=abc\nKEYBOARD=us\n',
      '.env.example': 'API_TOKEN=abc123def\n',
      'node_modules/x/test/.env': 'API_TOKEN=abc123def\n',
      id_rsa: 'not a key\n',
    });
    expect(warnings(await build('COPY . /app/', { context }))).toEqual([]);
  });

  it('counts what an order of instructions has cost so far, in this project', async () => {
    const Dockerfile = 'FROM busybox\nCOPY . /x/\nRUN npm() { true; }; npm ci';
    const buildOf = async (name: string, files: Readonly<Record<string, string>>) =>
      warnings(await bench.buildIn(bench.files(name, { Dockerfile, ...files })))[0];
    expect(await buildOf('order', { a: '1' })).toMatch(
      /^2 CopyBeforeInstall: everything is copied before "npm ci" \(line 3\): .*\. It has run once here, \d\.\d s in total$/,
    );
    expect(await buildOf('order', { a: '2' })).toMatch(/\. It has run 2 times here, \d\.\d s in total$/);
    expect(await buildOf('order', { a: '2' })).not.toContain('has run');
    // The same words in another project are another command.
    expect(await buildOf('another', { a: '3' })).toMatch(/\. It has run once here/);
    for (let a = 4; a <= 9; a++) await buildOf('order', { a: String(a) });
    expect(await buildOf('order', { a: '10' })).toMatch(/\. It has run 9 times here/);
  });

  it('fails before anything runs with error=true, for BuildKit’s rules alone', async () => {
    const failing = build('ENV A b\nRUN echo ran', {
      buildArgs: new Map([['BUILDKIT_DOCKERFILE_CHECK', 'error=true']]),
    });
    await expect(failing).rejects.toMatchObject({
      code: 'CHECK_FAILED',
      message: 'lint violation found for rules: LegacyKeyValueFormat',
    });
    const own = bench.build('# check=error=true\nFROM busybox\nCOPY . /x/\nRUN npm() { true; }; npm ci', {});
    expect(warnings(await own)[0]).toContain('CopyBeforeInstall');
    const skipped = bench.build('# check=skip=LegacyKeyValueFormat;error=true\nFROM busybox\nENV A b', {});
    expect(warnings(await skipped)).toEqual([]);
    const wins = bench.build('# check=error=true\nFROM busybox\nENV A b', {
      buildArgs: new Map([['BUILDKIT_DOCKERFILE_CHECK', 'skip=all']]),
    });
    expect(warnings(await wins)).toEqual([]);
  });

  it('refuses a directive that makes no sense, with its line', async () => {
    await expect(bench.build('# syntax=docker/dockerfile:1\n# check=skp=all\nFROM busybox')).rejects.toMatchObject({
      code: 'DOCKERFILE_INVALID',
      message: 'invalid check option "skp"',
      range: { start: { line: 2, column: 0 } },
    });
    const given = bench.build('FROM busybox', { buildArgs: new Map([['BUILDKIT_DOCKERFILE_CHECK', 'x']]) });
    await expect(given).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('knows the variables of base images', async () => {
    expect(warnings(await build('ENV A=$PATH B=$PAHT'))).toEqual([
      "2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)",
    ]);
  });
});
