import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

const ROOT = new URL('../../../../', import.meta.url);
const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(new URL(path, ROOT), 'utf8'));

/** A warning, one of two lines with markup and controls in it, advice, and one that is there twice. */
const DOCKERFILES: Readonly<Record<string, string>> = {
  some: 'FROM scratch as base\nENV \\\n  "<&]]>\x01" b\nCOPY . .\nRUN npm ci\nENV C d\nENV C d\n',
  none: 'FROM scratch\nCOPY a /\n',
  invalid: 'FROM scratch\nSTOPSIGNAL NOPE\n',
};

async function checked(format: string, text = ''): Promise<string> {
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, 'Dockerfile'), text);
  const { stdout } = await tsbuild(['build', `--call=check,format=${format}`, '.'], {
    root: await temporaryDirectory(),
    cwd,
  });
  return stdout;
}

/** The official schema, draft 04: of what is not the same in draft 07 it uses only `id` and `$schema`. */
async function sarifValidator() {
  const {
    $schema: _schema,
    id: _id,
    ...schema
  } = (await readJson('fixtures/schemas/sarif-schema-2.1.0.json')) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addFormat('uri', (text: string) => URL.canParse(text));
  ajv.addFormat('uri-reference', (text: string) => URL.canParse(text, 'file:///') && !/[\s"<>\\^`{|}]/.test(text));
  ajv.addFormat('date-time', true);
  return ajv.compile(schema);
}

describe('what a check tells is what its consumers take', () => {
  it.each(Object.keys(DOCKERFILES))('SARIF of %s is valid by the official schema', async (name) => {
    const validate = await sarifValidator();
    const sarif = JSON.parse(await checked('sarif', DOCKERFILES[name])) as { runs: [{ results: object[] }] };
    expect(validate(sarif) ? [] : validate.errors).toEqual([]);
    // The validator can say no.
    expect(validate({ ...sarif, runs: [{ results: [] }] })).toBe(false);
    expect(sarif.runs[0].results).toHaveLength({ some: 5, none: 0, invalid: 1 }[name] ?? -1);
  });

  it.each(Object.keys(DOCKERFILES))("GitLab's code quality of %s has what GitLab demands", async (name) => {
    const text = await checked('gitlab', DOCKERFILES[name]);
    expect(text.startsWith('[')).toBe(true); // No byte order mark.
    const report = JSON.parse(text) as Record<string, unknown>[];
    for (const issue of report) {
      expect(Object.keys(issue).toSorted()).toEqual([
        'check_name',
        'description',
        'fingerprint',
        'location',
        'severity',
      ]);
      expect(['info', 'minor', 'major', 'critical', 'blocker']).toContain(issue['severity']);
      expect(issue['location']).toEqual({
        path: 'Dockerfile',
        lines: { begin: expect.any(Number), end: expect.any(Number) },
      });
      expect([issue['description'], issue['check_name'], issue['fingerprint']]).toEqual(
        Array(3).fill(expect.any(String)),
      );
    }
    expect(new Set(report.map(({ fingerprint }) => fingerprint)).size).toBe(report.length);
  });

  it.each(Object.keys(DOCKERFILES))('Checkstyle of %s is read by an XML parser', async (name) => {
    const program = [
      'import sys, json, xml.etree.ElementTree as tree',
      'root = tree.fromstring(sys.stdin.buffer.read())',
      'print(json.dumps([root.tag] + [[e.tag, e.attrib] for f in root for e in f]))',
    ].join('\n');
    const { stdout, stderr } = spawnSync('python3', ['-c', program], {
      input: await checked('checkstyle', DOCKERFILES[name]),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const [root, ...errors] = JSON.parse(stdout) as [string, ...[string, Record<string, string>][]];
    expect(root).toBe('checkstyle');
    for (const [tag, attributes] of errors) {
      expect(tag).toBe('error');
      expect(attributes).toMatchObject({
        line: expect.stringMatching(/^\d+$/),
        source: expect.stringMatching(/^tsbuild\.\w+$/),
      });
      expect(['error', 'warning', 'info']).toContain(attributes['severity']);
    }
  });

  it('the problem matcher finds place, severity, message and rule in every line', async () => {
    const { problemMatcher } = (await readJson('examples/ci/problem-matcher.json')) as { problemMatcher: Matcher[] };
    const lines = (await checked('gnu', `${DOCKERFILES['some']}STOPSIGNAL NOPE\n`)).trimEnd().split('\n');
    const found = lines.map((line) => problemMatcher.flatMap((matcher) => problemIn(line, matcher)));
    expect(found.map((of) => of.length)).toEqual(lines.map(() => 1));
    expect(found.flat()).toContainEqual(
      expect.objectContaining({
        file: 'Dockerfile',
        line: '1',
        column: '1',
        severity: 'warning',
        code: 'FromAsCasing',
      }),
    );
    expect(found.flat().map(({ severity }) => severity)).toContain('error');
    expect(found.flat().find(({ code }) => code === 'CopyBeforeInstall')).toMatchObject({
      line: '4',
      severity: 'warning',
    });
    for (const { message } of found.flat()) expect(message).not.toMatch(/^ |\[\w+\]$/);
    expect(problemMatcher.flatMap((matcher) => problemIn('ERROR: no such file', matcher))).toEqual([]);
  });
});

interface Matcher {
  readonly severity?: string;
  readonly pattern: readonly [Readonly<Record<string, string | number>> & { readonly regexp: string }];
}

/** What GitHub and VS Code read in a line with a matcher. */
function problemIn(line: string, { severity, pattern: [{ regexp, ...groups }] }: Matcher): Record<string, string>[] {
  const match = new RegExp(regexp).exec(line);
  if (match === null) return [];
  const fields = Object.entries(groups).map(([name, group]) => [name, match[Number(group)] ?? '']);
  return [{ ...(severity === undefined ? {} : { severity }), ...Object.fromEntries(fields) }];
}
