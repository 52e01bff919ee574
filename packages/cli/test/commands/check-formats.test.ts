import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

/** A warning of one line, one of two, two that are alike, and advice. */
const DOCKERFILE = ['FROM scratch as base', 'ENV \\', '  A b', 'COPY . .', 'RUN npm ci', 'ENV C d', 'ENV C d', ''].join(
  '\n',
);

async function checked(
  format: string | undefined,
  options: { dockerfile?: string; env?: Record<string, string> } = {},
) {
  const cwd = await temporaryDirectory();
  const directory = join(cwd, 'web, 100%: x');
  await mkdir(directory);
  await writeFile(join(directory, 'Dockerfile'), options.dockerfile ?? DOCKERFILE);
  await writeFile(join(directory, 'package.json'), '{}');
  const env = Object.fromEntries(Object.entries(options.env ?? {}).map(([name, at]) => [name, join(cwd, at)]));
  const call = format === undefined ? '--check' : `--call=check,format=${format}`;
  return tsbuild(['build', call, 'web, 100%: x'], { root: await temporaryDirectory(), cwd, env });
}

describe('formats of a check', () => {
  it('are lines of compilers where nobody looks at a terminal', async () => {
    const { code, stdout } = await checked(undefined);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      `web, 100%: x/Dockerfile:1:1: warning: 'as' and 'FROM' keywords' casing do not match [FromAsCasing]`,
      'web, 100%: x/Dockerfile:2:1: warning: "ENV key=value" should be used instead of legacy "ENV key value" format [LegacyKeyValueFormat]',
      expect.stringMatching(/^web, 100%: x\/Dockerfile:4:1: note: .* \[CopyBeforeInstall\]$/),
      expect.stringMatching(/:6:1: warning: .* \[LegacyKeyValueFormat\]$/),
    ]);
    expect((await checked('gnu')).stdout).toBe(stdout);
  });

  it('tell of what cannot be built', async () => {
    const { code, stdout, stderr } = await checked('gnu', { dockerfile: 'FROM scratch\nSTOPSIGNAL NOPE\n' });
    expect(code).toBe(1);
    expect(stdout).toBe('web, 100%: x/Dockerfile:2:1: error: invalid signal: NOPE [DOCKERFILE_INVALID]\n');
    expect(stderr).toContain('ERROR: invalid signal: NOPE');
    const sarif = await checked('sarif', { dockerfile: 'FROM scratch\nSTOPSIGNAL NOPE\n' });
    expect(JSON.parse(sarif.stdout)).toMatchObject({
      runs: [{ results: [{ level: 'error', ruleId: 'DOCKERFILE_INVALID' }] }],
    });
    expect([sarif.code, sarif.stderr]).toEqual([1, '']);
  });

  it('are workflow commands of GitHub, escaped, with paths from the root of the checkout', async () => {
    const { stdout } = await checked('github', { env: { GITHUB_WORKSPACE: 'web, 100%: x' } });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^::warning file=Dockerfile,line=1,endLine=1,title=FromAsCasing(?:,col=1,endColumn=\d+)?::'as' and 'FROM' keywords' casing do not match \(https:.*\)$/,
    );
    expect(lines[1]).toMatch(/^::warning file=Dockerfile,line=2,endLine=3,title=LegacyKeyValueFormat::/);
    expect(lines[2]).toMatch(/^::notice file=Dockerfile,line=4,/);
    const above = await checked('github', { env: { GITHUB_WORKSPACE: '.' } });
    expect(above.stdout).toMatch(/^::warning file=web%2C 100%25%3A x\/Dockerfile,line=1,/);
  });

  it('say what GitHub does not show', async () => {
    const many = `FROM scratch\n${Array.from({ length: 13 }, (_, i) => `ENV A${i} b\n`).join('')}`;
    const { stdout } = await checked('github', { dockerfile: many });
    expect(stdout).toMatch(/\n3 more than GitHub shows as annotations of one step\n$/);
  });

  it('are SARIF, each rule once, each finding with a fingerprint of its own that does not depend on lines', async () => {
    const { stdout } = await checked('sarif', { env: { GITHUB_WORKSPACE: '.' } });
    const sarif = JSON.parse(stdout) as Sarif;
    const [run] = sarif.runs;
    expect(sarif).toMatchObject({ version: '2.1.0', $schema: expect.stringContaining('sarif-schema-2.1.0.json') });
    expect(run?.tool.driver.rules.map(({ id }) => id)).toEqual([
      'FromAsCasing',
      'LegacyKeyValueFormat',
      'CopyBeforeInstall',
    ]);
    for (const { ruleId, ruleIndex } of run?.results ?? []) expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    expect(run?.results[1]?.locations[0]?.physicalLocation).toMatchObject({
      artifactLocation: { uri: 'web,%20100%25:%20x/Dockerfile', uriBaseId: '%SRCROOT%' },
      region: { startLine: 2, startColumn: 1, endLine: 3 },
    });
    const prints = fingerprints(sarif);
    expect(new Set(prints).size).toBe(5);
    const moved = await checked('sarif', { dockerfile: `# a comment\n\n${DOCKERFILE}` });
    expect(fingerprints(JSON.parse(moved.stdout) as Sarif)).toEqual(prints);
  });

  it('are a report of code quality for GitLab', async () => {
    const { stdout } = await checked('gitlab', { env: { CI_PROJECT_DIR: '.' } });
    const report = JSON.parse(stdout) as { fingerprint: string }[];
    expect(report[0]).toEqual({
      description: "'as' and 'FROM' keywords' casing do not match",
      check_name: 'FromAsCasing',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: 'minor',
      location: { path: 'web, 100%: x/Dockerfile', lines: { begin: 1, end: 1 } },
    });
    expect(new Set(report.map(({ fingerprint }) => fingerprint)).size).toBe(report.length);
    expect(JSON.parse((await checked('gitlab', { dockerfile: 'FROM scratch\nCOPY a /\n' })).stdout)).toEqual([]);
  });

  it('are the XML of Checkstyle, whatever is in the messages', async () => {
    const { stdout } = await checked('checkstyle', { dockerfile: 'FROM scratch as base\nENV "<&\x01>" b\n' });
    expect(stdout).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<checkstyle version="10.0">\n {2}<file name="web, 100%: x\/Dockerfile">\n/,
    );
    expect(stdout).toContain('<error line="1" column="1" severity="warning" message="&#39;as&#39; and');
    expect(stdout).not.toMatch(/[\x01]/);
    expect(
      stdout
        .replaceAll(/<(?:\?xml|\/?checkstyle|\/?file|error)(?: [a-z]+="[^"<&]*(?:&#\d+;[^"<&]*)*")*\s*[?/]?>/g, '')
        .trim(),
    ).toBe('');
  });

  it('are those of a check alone', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\n');
    const { code, stderr } = await tsbuild(['build', '--call=outline,format=sarif', '.'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('--call=outline has no format sarif: expected text or json');
  });
});

interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly locations: readonly { readonly physicalLocation: object }[];
      readonly partialFingerprints: Record<string, string>;
    }[];
  }[];
}

function fingerprints({ runs }: Sarif): string[] {
  return runs.flatMap(({ results }) => results.map((result) => result.partialFingerprints['tsbuild/v1'] ?? ''));
}
