import { describe, expect, it } from 'vitest';
import { parsePattern, PatternMatcher } from '../../src/context/pattern-matcher.ts';
import { withoutPasswords } from '../../src/ops/add/git-reference.ts';
import { lintOf } from '../lint/lint-of.ts';
import { checkOf, planOf } from './plan-of.ts';

/*
 * Files that are cheap to write and were dear to read: each took minutes, gigabytes or the whole stack. Here they are taken
 * or refused; that this is quick is what the time limit of the tests is for.
 */
const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('');
const chain = (stages: number): string =>
  `FROM scratch AS s0\n${lines(stages, (at) => `FROM s${at} AS s${at + 1}\nENV x${at}=1\n`)}`;

describe('what a Dockerfile costs', { timeout: 110_000 }, () => {
  it('stages on stages: hundreds are nothing, and thousands are refused before memory ends', async () => {
    await checkOf(chain(700));
    const { target } = await planOf(chain(700));
    expect(target.config.Env).toHaveLength(701);
    expect(target.history.at(-1)?.createdBy).toBe('ENV x699=1');
    await expect(planOf(chain(12_000))).rejects.toMatchObject({
      code: 'DOCKERFILE_INVALID',
      message: expect.stringMatching(/^the stages and commands of this Dockerfile inherit more than/),
      range: { start: { line: expect.any(Number) } },
    });
    await expect(checkOf(chain(12_000))).rejects.toThrow('inherit more than');
    expect(lintOf(chain(12_000))).toEqual([]);
  });

  it('chains of COPY --from and FROM without variables need no stack', async () => {
    const copies = `FROM scratch AS s0\n${lines(12_000, (at) => `FROM scratch AS s${at + 1}\nCOPY --from=s${at} / /\n`)}`;
    const bases = `FROM scratch AS s0\n${lines(12_000, (at) => `FROM s${at} AS s${at + 1}\n`)}`;
    expect((await planOf(copies)).stages).toHaveLength(12_001);
    expect((await planOf(bases)).stages).toHaveLength(12_001);
    expect(lintOf(bases, { stages: { target: undefined } })).toEqual([]);
  });

  it.each([
    ['ENV', (before: string, after: string) => `FROM scratch\n${before}${after}`],
    [
      'ARG',
      (before: string, after: string) =>
        `${before.replaceAll('ENV', 'ARG')}${after.replaceAll('ENV', 'ARG')}FROM scratch\n`,
    ],
  ])('%s whose values grow', async (_, file) => {
    const text = file(
      `ENV a=${'A'.repeat(60_000)}\n`,
      lines(3000, (at) => `ENV b${at}=$a$a$a$a$a$a$a$a\n`),
    );
    const refused = 'the values of variables in this Dockerfile total more than 16777216 characters';
    await expect(planOf(text)).rejects.toThrow(refused);
    await expect(checkOf(text)).rejects.toThrow(refused);
    expect(lintOf(text)).toEqual([]);
  });

  it('patterns in substitutions, and RUNs that are all handed what ARG says', async () => {
    const patterns = `FROM scratch\nENV a=${'a'.repeat(2000)}\n${'ENV b=${a//*a*a*a*a*a*a*a*b/x}\n'.repeat(20_000)}`;
    await expect(planOf(patterns)).rejects.toThrow('take too long');
    const handed = `FROM scratch\nARG a=${'a'.repeat(60_000)}\n${'RUN x\n'.repeat(20_000)}`;
    await expect(planOf(handed)).rejects.toThrow('total more than');
  });

  it('20,000 lines of one kind', async () => {
    const { target } = await planOf(
      `FROM scratch\n${lines(20_000, (at) => `ENV e${at}=1\nLABEL l${at}=1\nVOLUME /v${at}\nONBUILD RUN x\n`)}`,
    );
    expect(target.config.Env).toHaveLength(20_001);
    expect(Object.keys(target.config.Labels ?? {})).toHaveLength(20_000);
    expect(target.config.OnBuild).toHaveLength(20_000);
  });

  it('working directories in each other', async () => {
    await expect(planOf(`FROM scratch\n${'WORKDIR directory\n'.repeat(20_000)}`)).rejects.toMatchObject({
      message: 'WORKDIR results in a path of 4100 characters',
      range: { start: { line: 411 } },
    });
  });

  it('ports and triggers that many inherit', async () => {
    const ports = `FROM scratch\n${'EXPOSE 1-65535 1-65535/udp\n'.repeat(3000)}`;
    await expect(planOf(ports)).rejects.toThrow('inherit more than');
    const triggers = `FROM scratch AS a\n${'ONBUILD LABEL a=1\n'.repeat(5000)}${'FROM a\n'.repeat(5000)}`;
    await expect(checkOf(triggers)).rejects.toThrow('inherit more than');
    expect(lintOf(triggers)).toEqual([]);
  });

  it('suggestions for thousands of misspelt names', () => {
    const text = `FROM scratch\n${lines(5000, (at) => `ENV name${at}=1\n`)}${lines(5000, (at) => `USER $mame${at}\n`)}`;
    const found = lintOf(text);
    expect(found).toHaveLength(5000);
    expect(found[0]).toContain('did you mean $name0?');
    expect(found.at(-1)).toBe("10001 UndefinedVar: Usage of undefined variable '$mame4999'");
  });

  it('words of one line', () => {
    expect(withoutPasswords(`${'a.'.repeat(500_000)} https://u:p@h`)).toMatch(/ https:\/\/xxxxx:xxxxx@h$/);
    expect(withoutPasswords(`a://${':'.repeat(500_000)}`)).toHaveLength(500_004);
    expect(lintOf(`FROM busybox\nCOPY . .\n${`RUN ${'! '.repeat(30_000)}npm ci\n`.repeat(20)}`)).toHaveLength(1);
  });

  it('patterns of ignore files', () => {
    const pattern = parsePattern(`${'**/a/'.repeat(5000)}b`);
    const matcher = new PatternMatcher(pattern === undefined ? [] : [pattern]);
    expect(matcher.matches(`${'a/'.repeat(2000)}b`)).toBe(false);
    expect(matcher.matches(`${'a/'.repeat(5000)}b`)).toBe(true);
  });
});

it('a signal is heard while nothing is waited for', async () => {
  const controller = new AbortController();
  setImmediate(() => controller.abort(new Error('Ctrl-C')));
  const text = `FROM scratch\n${lines(200_000, (at) => `ENV a${at % 100}=${at}\n`)}`;
  await expect(planOf(text, { signal: controller.signal })).rejects.toThrow('Ctrl-C');
});

describe('all stages, as --check plans them', () => {
  it('are planned once: each image is asked for once', async () => {
    const asked: string[] = [];
    await checkOf(
      lines(50, (at) => `FROM base AS s${at}\nRUN x\n`),
      { asked },
    );
    expect(asked).toEqual(['base linux/amd64']);
  });

  it('are wrong where the first of them is, whatever else is', async () => {
    const text = 'FROM base AS a\nRUN --network=odd x\nFROM base\nCOPY --from=99 / /\n';
    await expect(checkOf(text)).rejects.toMatchObject({ range: { start: { line: 2 } } });
    await expect(checkOf('FROM base\nCOPY --from=99 / /\nFROM base\nRUN --network=odd x\n')).rejects.toMatchObject({
      range: { start: { line: 2 } },
    });
  });

  it('are left out on images that nobody has, and so is what is made on them', async () => {
    await checkOf('FROM missing AS a\nWORKDIR ${HOME_OF_APP:?}\nFROM a\nUSER ${HOME_OF_APP:?}\n');
    await expect(checkOf('FROM missing AS a\nFROM base\nRUN --network=odd x\n')).rejects.toThrow('network');
  });

  it.each(['windows/amd64', 'darwin/arm64'])('may be for %s, if they are not the target', async (platform) => {
    const foreign = `FROM --platform=${platform} base AS foreign\nCOPY f /f\n`;
    await checkOf(`FROM scratch AS linux\n${foreign}FROM linux\n`);
    await planOf(`FROM scratch AS linux\n${foreign}FROM linux\n`);
    const copied = await planOf(`${foreign}FROM scratch\nCOPY --from=foreign /f /f\n`);
    expect(copied.stages.map(({ platform: { os } }) => os)).toEqual([platform.split('/')[0], 'linux']);
    await expect(planOf(`${foreign}RUN x\nFROM scratch\nCOPY --from=foreign /f /f\n`)).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      range: { start: { line: 3 } },
    });
    await expect(checkOf(foreign)).rejects.toMatchObject({ code: 'NOT_SUPPORTED', range: { start: { line: 1 } } });
  });
});
