import { describe, expect, it } from 'vitest';
import { historyOf, planOf } from './plan-of.ts';

async function history(lines: string, options?: Parameters<typeof planOf>[1]): Promise<string[]> {
  const { target } = await planOf(`FROM base\n${lines}`, options);
  return historyOf(target).map((row) => row.replace(/^layer /, ''));
}

describe('the history of COPY and ADD', () => {
  it.each<[string, string]>([
    ['COPY a b /x/', 'COPY a b /x/ # buildkit'],
    ['COPY ["a b", "/x/"]', 'COPY a b /x/ # buildkit'],
    ['COPY --parents --exclude=x --link a /x', 'COPY --parents a /x # buildkit'],
    ['COPY --chmod=u=rwX,go=rX --chown=1:2 a /x', 'COPY --chown=1:2 --chmod=u=rwX,go=rX a /x # buildkit'],
    ['COPY <<EOF /x\nbody\nEOF', 'COPY <<EOF /x # buildkit'],
    ['COPY a <<"A" <<-B /x/\n1\nA\n2\nB', 'COPY a <<A <<B /x/ # buildkit'],
    ['ADD a.tar https://example.com/f /x/', 'ADD a.tar https://example.com/f /x/ # buildkit'],
    ['ADD --unpack=false --keep-git-dir a /x', 'ADD a /x # buildkit'],
    ['ADD https://me:pw@example.com/f /x', 'ADD https://xxxxx:xxxxx@example.com/f /x # buildkit'],
    ['ADD https://me:pw@example.com/r.git#main:d /x', 'ADD https://xxxxx:xxxxx@example.com/r.git#main:d /x # buildkit'],
    ['ADD git@example.com:r.git /x', 'ADD git@example.com:r.git /x # buildkit'],
  ])('%s', async (line, row) => {
    const { target } = await planOf(`FROM base\n${line}`);
    expect(historyOf(target)).toEqual([`layer ${row}`]);
    expect(target.steps[0]?.name).not.toContain('pw@');
  });

  it('has everything expanded', async () => {
    const lines = 'ARG U=7 M=600 D=dir\nCOPY --chown=$U:$U --chmod=$M ${D}/a $D/\nADD https://example.com/$D /$D';
    expect((await history(lines)).slice(1)).toEqual([
      'COPY --chown=7:7 --chmod=600 dir/a dir/ # buildkit',
      'ADD https://example.com/dir /dir # buildkit',
    ]);
  });
});

describe('ADD --checksum with an empty value', () => {
  it.each([
    'ADD --checksum= https://example.com/f /x',
    'ARG SUM\nADD --checksum=${SUM} https://example.com/f /x',
    'ARG SUM\nADD --checksum=${SUM} https://example.com/r.git /x',
    'ADD --checksum= a https://example.com/f /x/',
  ])('is none: %s', async (lines) => {
    expect((await history(lines)).at(-1)).toMatch(/^ADD /);
  });
});

describe('COPY and ADD refuse', () => {
  it.each<[string, RegExp]>([
    ['COPY https://example.com/x /', /source can't be a URL for COPY/],
    ['COPY https://example.com/x.git /', /source can't be a git ref for COPY/],
    ['COPY git@example.com:x.git /', /source can't be a git ref for COPY/],
    ['COPY --chmod=0999 a /', /invalid chmod parameter: '0999'/],
    ['ADD --checksum=sha256:00 https://example.com/x /', /invalid checksum "sha256:00"/],
    [`ADD --checksum=sha256:${'0'.repeat(64)} a /`, /checksum requires HTTP\(S\) or Git sources/],
    [`ADD --checksum=sha256:${'0'.repeat(64)} https://example.com/a b /x/`, /checksum can't be specified for multiple/],
    ['ADD --checksum=main https://example.com/x.git /', /invalid checksum "main"/],
    ['ADD --keep-git-dir https://example.com/x.git?keep-git-dir=0 /', /inconsistent keep-git-dir/],
    ['ADD https://example.com/x.git?nope=1 /', /unexpected query "nope"/],
    ['ADD http:// /', /invalid URL/],
    ['COPY <<EOF /x\n${X:?must be set}\nEOF', /must be set/],
  ])('%s', async (line, message) => {
    await expect(planOf(`FROM base\n${line}`)).rejects.toMatchObject({
      code: 'DOCKERFILE_INVALID',
      message: expect.stringMatching(message),
      range: { start: { line: 2 } },
    });
  });
});
