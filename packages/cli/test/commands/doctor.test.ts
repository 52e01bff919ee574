import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

describe('tsbuild doctor', () => {
  it('prints the pod of examples/ci', async () => {
    const { code, stdout } = await tsbuild(['doctor', '--pod'], { root: await temporaryDirectory() });
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(new URL('../../../../examples/ci/kubernetes-pod.yaml', import.meta.url), 'utf8'));
  });

  it('says the same to people, to programs and by its exit code', async () => {
    const root = await temporaryDirectory();
    const { code, stdout } = await tsbuild(['doctor', '--format', 'json'], { root });
    const report = JSON.parse(stdout) as {
      canRun: boolean;
      facts: { name: string }[];
      modes: { works: boolean; lacks: string[] }[];
    };
    expect(code).toBe(report.canRun ? 0 : 1);
    expect(report.modes.some(({ works }) => works)).toBe(report.canRun);
    expect(report.modes.filter(({ works, lacks }) => !works && lacks.length === 0)).toEqual([]);
    const text = await tsbuild(['doctor'], { root });
    expect(text.code).toBe(code);
    for (const { name } of report.facts) expect(text.stdout).toContain(name);
    expect(text.stdout).toMatch(report.canRun ? /\nRUN works here: / : /\nRUN does not work here\./);
  });

  it('shows no password of a proxy, and knows its formats', async () => {
    const root = await temporaryDirectory();
    const env = { HTTPS_PROXY: 'http://user:geheim@proxy.example:3128' };
    const { stdout } = await tsbuild(['doctor'], { root, env });
    expect(stdout).toContain('HTTPS_PROXY=http://xxxxx:xxxxx@proxy.example:3128');
    expect(stdout).not.toContain('geheim');
    expect(await tsbuild(['doctor', '--format', 'yaml'], { root })).toMatchObject({ code: 2 });
  });
});
