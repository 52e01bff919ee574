import { describe, expect, it } from 'vitest';
import type { BuildPlan } from '../../src/plan/platforms/build-plan.ts';
import { BASE, planForAll, planOf, reachable } from './plan-of.ts';

const BOTH = ['linux/amd64', 'linux/arm64'];

/** The steps as they are numbered, each with what it is for and what it runs on. */
function listed({ steps }: BuildPlan): readonly string[] {
  return steps.map(({ id, platform = 'all', on }) => `${id}: ${platform}${on === undefined ? '' : ` on ${on}`}`);
}

describe('steps of a build for several platforms', () => {
  it('are one where a stage runs on the machine of the build, up to the first that knows for what it builds', async () => {
    const plan = await planForAll(
      [
        'FROM --platform=$BUILDPLATFORM base AS build',
        'WORKDIR /src',
        'COPY --chmod=u+x --exclude=*.md . .',
        'RUN --mount=type=cache,target=/c <<EOF',
        'make tools',
        'EOF',
        'ARG TARGETARCH',
        'RUN make $TARGETARCH',
        'FROM scratch',
        'COPY LICENSE /',
        'COPY --from=build /src/app /',
      ].join('\n'),
      [...BOTH, 'linux/arm/v7'],
    );
    expect(listed(plan)).toEqual([
      'build/1: all',
      'build/2: all',
      'build/3: all',
      'build/4: linux/amd64',
      'build/4@linux/arm64: linux/arm64 on linux/amd64',
      'build/4@linux/arm/v7: linux/arm/v7 on linux/amd64',
      'stage-1/1: all',
      'stage-1/2: linux/amd64',
      'stage-1/2@linux/arm64: linux/arm64',
      'stage-1/2@linux/arm/v7: linux/arm/v7',
    ]);
    expect(plan.steps.map(({ stage, index, total }) => `${stage} ${index}/${total}`)).toContain('build 4/4');
    const vertices = plan.roots.flatMap((root) => reachable(root));
    expect(new Set(vertices).size).toBe(plan.steps.length);
  });

  it('have the ids of a build for the first platform alone', async () => {
    const text =
      'FROM --platform=$BUILDPLATFORM base AS a\nRUN x\nFROM base\nARG TARGETARCH\nRUN y\nCOPY --from=a /f /';
    const [alone, both] = [await planOf(text), await planForAll(text, BOTH)];
    const ids = alone.stages.flatMap(({ steps }) => steps.map(({ id }) => id));
    expect(both.platforms[0]?.stages.flatMap(({ steps }) => steps.map(({ id }) => id))).toEqual(ids);
    expect(reachable(alone.target.rootfs)).toEqual(reachable(both.platforms[0]?.target.rootfs ?? alone.target.rootfs));
  });

  it('are one object for all that need them, so that the solver has them once', async () => {
    const { roots } = await planForAll('FROM scratch\nCOPY a /\nCOPY b /', BOTH);
    expect(roots[0]).toBe(roots[1]);
  });

  it('are others for another platform, base, value or flag', async () => {
    const lines = ['RUN x', 'COPY a /\nRUN y', 'WORKDIR /$TARGETARCH', 'COPY $TARGETARCH /', 'COPY --chmod=$M a /'];
    for (const line of lines) {
      const run = `ARG TARGETARCH\nARG M=\${TARGETARCH/arm64/0600}\nARG M=\${M/amd64/0644}\n${line}`;
      const { roots } = await planForAll(`FROM base\n${run}`, BOTH);
      expect(roots[0], line).not.toBe(roots[1]);
    }
    const other = { ...BASE, rootfs: { type: 'layers', diff_ids: [`sha256:${'2'.repeat(64)}`] } } as const;
    const images = { 'b-amd64': BASE, 'b-arm64': other };
    const { roots } = await planForAll('ARG TARGETARCH\nFROM b-$TARGETARCH\nCOPY a /', BOTH, { images });
    expect(roots[0]).not.toBe(roots[1]);
  });

  it('stay two where two lines do the same, as each is told of at its place', async () => {
    const text = 'FROM --platform=$BUILDPLATFORM base AS a\nRUN x\nFROM --platform=$BUILDPLATFORM base AS b\nRUN x\n';
    const plan = await planForAll(`${text}FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /`, BOTH);
    expect(listed(plan)).toEqual(['a/1: all', 'b/1: all', 'stage-2/1: all', 'stage-2/2: all']);
  });

  it('may be of stages that only one platform needs', async () => {
    const text = [
      'ARG TARGETARCH',
      'FROM scratch AS on-amd64',
      'COPY a /',
      'FROM scratch AS on-arm64',
      'COPY b /',
      'FROM on-$TARGETARCH',
      'COPY c /',
    ].join('\n');
    expect(listed(await planForAll(text, BOTH))).toEqual([
      'on-amd64/1: linux/amd64',
      'on-arm64/1@linux/arm64: linux/arm64',
      'stage-2/1: linux/amd64',
      'stage-2/1@linux/arm64: linux/arm64',
    ]);
  });

  it('are asked for once: each image for each platform', async () => {
    const asked: string[] = [];
    await planForAll('FROM --platform=$BUILDPLATFORM base AS a\nFROM base\nCOPY --from=a / /', BOTH, { asked });
    expect(asked.toSorted()).toEqual(['base linux/amd64', 'base linux/amd64', 'base linux/arm64']);
  });
});

it('an error of one platform names it', async () => {
  const images = { 'base-amd64': BASE };
  const text = 'ARG TARGETARCH\nFROM base-$TARGETARCH\nCOPY a /';
  await expect(planForAll(text, BOTH, { images })).rejects.toThrow(/^linux\/arm64: no base-arm64/);
  const late = 'FROM scratch\nARG TARGETARCH\nCOPY --chmod=${TARGETARCH/amd64/0644} a /';
  await expect(planForAll(late, BOTH)).rejects.toThrow(/^linux\/arm64: /);
  // Of one that all have it is that of the first.
  await expect(planForAll('FROM scratch\nCOPY --chmod=x a /', BOTH)).rejects.toThrow(/^linux\/amd64: /);
  await expect(planForAll('FROM scratch\nCOPY --chmod=x a /', BOTH.slice(0, 1))).rejects.toThrow(/^(?!linux)/);
});
