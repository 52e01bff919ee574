import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function project(dockerfile: string) {
  const root = await temporaryDirectory();
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, 'Dockerfile'), dockerfile);
  await writeFile(join(cwd, 'a'), 'a');
  return (...argv: string[]) => tsbuild(['build', ...argv, '.'], { root, cwd });
}

/** What `--check` prints on a terminal, without its colours. */
const TEXT = '--call=check,format=text';

const BAD = 'FROM scratch as base\nENV A b\nCOPY a /\n';

describe('build --check', () => {
  it('says that there is nothing to say', async () => {
    const build = await project('FROM scratch\nCOPY a /\n');
    expect(await build('--check')).toEqual(expect.objectContaining({ code: 0, stdout: '', stderr: '' }));
    expect(await build(TEXT)).toMatchObject({
      code: 0,
      stdout: 'Check complete, no warnings found.\n',
      stderr: '',
    });
  });

  it('prints each warning with its rule, page and lines, and fails', async () => {
    const build = await project(BAD);
    const { code, stdout, stderr } = await build(TEXT);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "Check complete, 2 warnings have been found!

      WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/
      'as' and 'FROM' keywords' casing do not match
      Dockerfile:1
      --------------------
         1 | >>> FROM scratch as base
         2 |     ENV A b
         3 |     COPY a /
      --------------------

      WARNING: LegacyKeyValueFormat - https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
      "ENV key=value" should be used instead of legacy "ENV key value" format
      Dockerfile:2
      --------------------
         1 |     FROM scratch as base
         2 | >>> ENV A b
         3 |     COPY a /
      --------------------
      "
    `);
    expect((await build('--check')).code).toBe(1);
    expect((await build('--call', 'lint')).code).toBe(1);
    expect((await build('--call=check,ignorestatus')).code).toBe(0);
    expect((await build('--check', '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip=all')).code).toBe(0);
  });

  it('gives advice of its own without failing: the same file passes elsewhere', async () => {
    const build = await project('FROM scratch\nCOPY . .\nRUN npm ci\n');
    const { code, stdout } = await build(TEXT);
    expect(stdout).toContain('WARNING: CopyBeforeInstall');
    expect(code).toBe(0);
  });

  it('prints the JSON of buildx', async () => {
    const build = await project('FROM scratch\nENV \\\n  A b\n');
    const { code, stdout } = await build('--call=check,format=json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      warnings: [
        {
          ruleName: 'LegacyKeyValueFormat',
          description: 'Legacy key/value format with whitespace separator should not be used',
          url: 'https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/',
          detail: '"ENV key=value" should be used instead of legacy "ENV key value" format',
          location: {
            ranges: [
              { start: { line: 2 }, end: { line: 2 } },
              { start: { line: 3 }, end: { line: 3 } },
            ],
          },
        },
      ],
      sources: [
        {
          filename: 'Dockerfile',
          language: 'Dockerfile',
          data: Buffer.from('FROM scratch\nENV \\\n  A b\n').toString('base64'),
        },
      ],
    });
  });

  it('tells why a Dockerfile cannot be built, with what there is to warn of', async () => {
    const build = await project('FROM scratch as a\nCOPY --from=$X / /\nUSER \n');
    const { code, stdout, stderr } = await build(TEXT);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Dockerfile:3\n');
    expect(stderr).toContain('ERROR: USER requires exactly one argument\n');
    const planned = await project('FROM scratch as a\nWORKDIR /a\nSTOPSIGNAL NOPE\nFROM scratch\n');
    const both = await planned(TEXT);
    expect(both.code).toBe(1);
    expect(both.stdout).toMatch(/^Check complete, 1 warning has been found!\n\nWARNING: FromAsCasing/);
    expect(both.stderr).toContain('ERROR: invalid signal: NOPE\n');
    const json = await planned('--call=check,format=json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      buildError: { message: 'invalid signal: NOPE', location: { ranges: [{ start: { line: 3 } }] } },
    });
  });

  it('checks what it can when a base image cannot be found', async () => {
    const build = await project('FROM localhost:1/nobody/has:this\nENV A $X\n');
    const { code, stdout, stderr } = await build(TEXT);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Check complete, 1 warning .*\n\nWARNING: LegacyKeyValueFormat/);
    expect(stderr).toBe(
      'WARNING: base image localhost:1/nobody/has:this was not found: variables in stages based on it are not checked\n',
    );
  });

  it.each([
    ['--call=nope', 'invalid --call "nope": expected build, check, outline or targets'],
    ['--call=check,format=yaml', 'unknown field "format=yaml"'],
  ])('refuses %s', async (option, message) => {
    const build = await project(BAD);
    const { code, stderr } = await build(option);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

const OFFER = `# VERSION of the program
ARG VERSION=1
# app is what you want
FROM scratch AS app
ARG VERSION
# MODE of the build
ARG MODE=fast
RUN --mount=type=secret,id=token,required --mount=type=ssh --mount=type=cache,target=/c true
FROM app
`;

describe('build --call', () => {
  it('lists targets', async () => {
    const build = await project(OFFER);
    expect((await build('--call=targets')).stdout).toBe(
      'TARGET      DESCRIPTION\napp         is what you want\n(default)\n',
    );
    const { code, stdout } = await build('--call=targets,format=json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      targets: [
        {
          name: 'app',
          description: 'is what you want',
          base: 'scratch',
          location: { ranges: [{ start: { line: 4 }, end: { line: 4 } }] },
        },
        { default: true, base: 'app', location: { ranges: [{ start: { line: 9 }, end: { line: 9 } }] } },
      ],
      sources: [Buffer.from(OFFER).toString('base64')],
    });
  });

  it('outlines a target', async () => {
    const build = await project(OFFER);
    expect((await build('--call=outline', '--target=app', '--build-arg=MODE=slow')).stdout).toMatchInlineSnapshot(`
      "TARGET:      app
      DESCRIPTION: is what you want

      BUILD ARG   VALUE   DESCRIPTION
      VERSION     1       of the program
      MODE        slow    of the build

      SECRET   REQUIRED
      token    true

      SSH       REQUIRED
      default

      CACHE MOUNT
      /c
      "
    `);
    const line = (number: number) => ({ ranges: [{ start: { line: number }, end: { line: number } }] });
    expect(JSON.parse((await build('--call=outline,format=json')).stdout)).toEqual({
      args: [
        { name: 'VERSION', value: '1', description: 'of the program', location: line(2) },
        { name: 'MODE', value: 'fast', description: 'of the build', location: line(7) },
      ],
      secrets: [{ name: 'token', required: true, location: line(8) }],
      ssh: [{ name: 'default', location: line(8) }],
      cache: [{ ID: '/c', location: line(8) }],
      sources: [Buffer.from(OFFER).toString('base64')],
    });
    expect((await build('--call=outline', '--target=nope')).code).toBe(1);
  });
});

describe.skipIf(process.geteuid?.() !== 0)('warnings of a build (needs root)', () => {
  it('are shown once, behind the steps, with their lines when there are few', async () => {
    const build = await project('FROM scratch as base\nCOPY a \\\n  /\nENV \\\n A \\\n b \\\n c\n');
    const { code, stderr } = await build('--progress=plain');
    expect(code).toBe(0);
    expect(stderr.replace(/ \d\.\d+s/g, '').replace(/Built .*/, 'Built')).toBe(
      [
        '#1 [base 1/1] COPY a /',
        '#1 DONE',
        '2 warnings found:',
        " - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (Dockerfile:1)",
        '   1 | >>> FROM scratch as base',
        ' - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (Dockerfile:4)',
        '   4 | >>> ENV \\',
        '   5 | >>>  A \\',
        '   6 | >>>  b \\',
        '     | …',
        'Layers:',
        '        1B  COPY a /',
        'Built',
        '',
      ].join('\n'),
    );
  });

  it('are a mere list when there are many, nothing with --quiet, and events as JSON', async () => {
    const build = await project(`FROM scratch\nCOPY a /\n${'ENV A b\n'.repeat(4)}`);
    expect((await build('--progress=plain')).stderr).toContain(
      '4 warnings found (build --check shows the lines):\n - LegacyKeyValueFormat: ',
    );
    expect((await build('-q')).stderr).toBe('');
    const events = (await build('--progress=json')).stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'check-warning');
    expect(events).toHaveLength(4);
    expect(events[0]).toEqual({
      type: 'check-warning',
      rule: 'LegacyKeyValueFormat',
      description: 'Legacy key/value format with whitespace separator should not be used',
      url: 'https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/',
      message: '"ENV key=value" should be used instead of legacy "ENV key value" format',
      range: { start: { line: 3, column: 0 }, end: { line: 3, column: 7 } },
      file: 'Dockerfile',
    });
  });

  it('fail the build where the Dockerfile says so, and are shown when it fails otherwise', async () => {
    const asked = await (await project('# check=error=true\nFROM scratch as base\n'))('--progress=plain');
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(
      /^1 warning found:\n.*\n.*\nERROR: lint violation found for rules: FromAsCasing\nhint: /,
    );
    const other = await (await project('FROM alpine:$TGA AS a\n'))('--progress=plain');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("UndefinedArgInFrom: FROM argument 'TGA' is not declared");
  });
});
