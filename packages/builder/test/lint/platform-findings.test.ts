import { describe, expect, it } from 'vitest';
import { sha256Digest } from '@tsbuild/oci';
import { parseDockerfile } from '../../src/dockerfile/parser.ts';
import { platformFindings } from '../../src/lint/platforms/platform-findings.ts';
import { declareStages } from '../../src/plan/stages.ts';
import { planForAll } from '../plan/plan-of.ts';

interface BuildCase {
  /** On a machine of the first. */
  readonly platforms?: readonly string[];
  /** What steps copy or make is another thing for each platform where their text matches this. */
  readonly differs?: RegExp;
  /** Each step takes so long, and one that is emulated ten times as long. */
  readonly milliseconds?: number;
  readonly cached?: RegExp;
}

/** The warnings of a build in which each step ended as the case says. */
async function found(lines: readonly string[], { platforms, differs, milliseconds, cached }: BuildCase = {}) {
  const dockerfile = parseDockerfile({ name: 'Dockerfile', text: lines.join('\n') });
  const plan = await planForAll(dockerfile, platforms ?? ['linux/amd64', 'linux/arm64']);
  const isOwn = (name: string): boolean => differs?.test(name) === true;
  const findings = await platformFindings({
    plan,
    declared: declareStages(dockerfile).stages,
    isEmulated: ({ architecture }) => architecture !== 'amd64',
    step: (id) => {
      const step = plan.steps.find((each) => each.id === id);
      if (step === undefined) return undefined;
      const key = sha256Digest(isOwn(step.name) ? id : id.replace(/@.*/, ''));
      const isEmulated = step.platform !== undefined && step.platform !== 'linux/amd64' && step.on === undefined;
      const time = (milliseconds ?? 1000) * (isEmulated ? 10 : 1);
      const state = cached?.test(step.name) === true ? 'cached' : 'run';
      return { ...step, number: 1, state, key, milliseconds: time };
    },
    haveSameFiles: async (ids) => !plan.steps.some(({ id, name }) => ids.includes(id) && isOwn(name)),
  });
  return findings.map(({ rule, message, range }) => `${range.start.line} ${rule}: ${message}`);
}

const WEB = [
  'FROM base AS build',
  'COPY . .',
  'RUN npm ci',
  'RUN npm run build',
  'FROM base',
  'COPY --from=build /dist /srv',
];

describe('IndependentStageEmulated', () => {
  it('is told where what is copied from an emulated stage is the same for all, with the time of its commands', async () => {
    expect(await found(WEB)).toEqual([
      '1 IndependentStageEmulated: what is copied from the stage build is the same for linux/amd64 and linux/arm64, and emulated commands in it took 20.0 s: FROM --platform=$BUILDPLATFORM base AS build would run it once, without emulation',
    ]);
    expect(await found(WEB, { cached: /npm ci/ })).toEqual([expect.stringContaining('took 10.0 s')]);
  });

  it('is not told without that proof', async () => {
    expect(await found(WEB, { differs: /--from=build/ })).toEqual([]);
    const taken = [
      [...WEB, 'COPY --from=build /bin/tool /bin/'],
      [...WEB, 'RUN --mount=from=build,target=/b cp /b/tool /bin'],
    ];
    for (const lines of taken) expect(await found(lines, { differs: /tool/ })).toEqual([]);
    expect(await found([...WEB.slice(0, 4), 'FROM build', 'CMD x'])).toEqual([]);
    // What nobody takes shows nothing; two variants of a processor may run the same programs.
    expect(await found([...WEB, 'FROM build', 'RUN make'])).toEqual([]);
    expect(await found(WEB, { platforms: ['linux/arm/v6', 'linux/arm/v7'] })).toEqual([]);
  });

  it('is not told where nothing was emulated, or not for long, nor of one platform', async () => {
    expect(await found(['FROM --platform=$BUILDPLATFORM base AS build', ...WEB.slice(1)])).toEqual([]);
    expect(await found(WEB, { cached: /npm/ })).toEqual([]);
    expect(await found(WEB, { milliseconds: 10 })).toEqual([]);
    expect(await found(WEB, { platforms: ['linux/arm64'] })).toEqual([]);
  });

  it('is told of stages together that need each other, and of those based on them', async () => {
    const chain = [
      'FROM base AS deps',
      'RUN npm ci',
      'FROM base AS build',
      'COPY --from=deps /node_modules /node_modules',
      'RUN npm run build',
      'FROM scratch',
      'COPY --from=build /dist /srv',
    ];
    const [together, ...more] = await found(chain, { differs: /node_modules/ });
    expect(more).toEqual([]);
    expect(together).toMatch(
      /^1 .* from the stages deps and build is the same .* took 20\.0 s: FROM \S+ base AS deps and FROM \S+ base AS build would run them/,
    );
    expect(await found([...chain, 'COPY --from=deps /node_modules /'], { differs: /node_modules/ })).toEqual([]);
    // Each alone where what one takes of the other is the same.
    expect((await found(chain)).map((line) => line.slice(0, 1))).toEqual(['1', '3']);
    const based = ['FROM base AS a', 'RUN x', 'FROM a AS b', 'RUN y', 'FROM base', 'COPY --from=b /f /'];
    expect(await found(based)).toEqual([
      expect.stringMatching(/^1 .* stages a and b is .* 20\.0 s: FROM \S+ base AS a would/),
    ]);
    const common = ['FROM base AS a', 'RUN x', 'FROM a AS b', 'RUN y', 'FROM a', 'COPY --from=b /f /'];
    expect(await found(common)).toEqual([
      expect.stringMatching(/^3 .* 10\.0 s: FROM --platform=\$BUILDPLATFORM \(what a starts from\) AS b would/),
    ]);
  });

  it('is not told where such a stage takes files of an image for its own platform', async () => {
    const lines = [...WEB.slice(0, 3), 'COPY --from=base /bin/node /bin/', ...WEB.slice(3)];
    expect(await found(lines, { differs: /bin.node/ })).toEqual([]);
    expect(await found(lines)).toEqual([expect.stringContaining('the stage build')]);
    expect(await found(['ARG TARGETARCH', 'FROM base${TARGETARCH:+} AS build', ...WEB.slice(1)])).toEqual([]);
  });
});

const CROSS = [
  'FROM --platform=$BUILDPLATFORM base AS build',
  'RUN prepare',
  'ARG TARGETOS TARGETARCH',
  'COPY go.mod .',
  'RUN go mod download',
  'RUN <<END',
  'go vet',
  'END',
  'RUN GOARCH=$TARGETARCH go build',
  'RUN go test',
  'FROM scratch',
  'COPY --from=build /app /',
];

describe('PlatformArgTooEarly', () => {
  it('is told with what moving it shares: one execution of each step before its first use', async () => {
    expect(await found(CROSS, { differs: /from=build/ })).toEqual([
      '3 PlatformArgTooEarly: TARGETOS, TARGETARCH are declared at line 3, before steps that do not use them and ran for each platform: moving them below line 8 shares 2.0 s',
    ]);
    const three = { platforms: ['linux/amd64', 'linux/arm64', 'linux/s390x'], differs: /from=build/ };
    expect(await found(CROSS, three)).toEqual([expect.stringContaining('shares 4.0 s')]);
    const first = [
      'FROM --platform=$BUILDPLATFORM base',
      'ARG TARGETPLATFORM',
      'WORKDIR /w',
      'RUN x',
      'ENV P=$TARGETPLATFORM',
      'RUN y',
    ];
    expect(await found(first)).toEqual([
      '2 PlatformArgTooEarly: TARGETPLATFORM is declared at line 2, before steps that do not use it and ran for each platform: moving it below line 4 shares 1.0 s',
    ]);
  });

  it('is not told of steps that may use it, by their text or by their result', async () => {
    const of = (run: string) => ['FROM --platform=$BUILDPLATFORM base', 'ARG TARGETARCH', `RUN ${run}`, 'RUN y'];
    expect(await found(of('x'))).toHaveLength(1);
    for (const run of [
      'echo $TARGETARCH',
      'echo ${TARGETARCH:-x}',
      'env | grep TARGETARCH',
      '<<E\ncc -m$TARGETARCH\nE',
    ])
      expect(await found(of(run)), run).toEqual([]);
    expect(await found(of('make'), { differs: /make/ })).toEqual([]);
  });

  it('is not told where something else parts the platforms, or nothing does', async () => {
    const emulated = ['FROM base', 'ARG TARGETARCH', 'RUN x'];
    expect(await found(emulated)).toEqual([]);
    const files = ['FROM base AS own', 'RUN x', 'FROM --platform=$BUILDPLATFORM base'];
    const parted = [
      [...files, 'COPY --from=own /f /', 'ARG TARGETARCH', 'RUN y'],
      [...files, 'ARG TARGETARCH', 'COPY --from=own /f /', 'RUN y'],
      [...files, 'ARG TARGETARCH', 'RUN --mount=from=own,target=/m y'],
    ];
    for (const lines of parted) expect(await found(lines, { differs: /own/ }), lines.join()).toEqual([]);
    expect(await found(['FROM --platform=$BUILDPLATFORM base', 'RUN x', 'ARG TARGETARCH', 'RUN $TARGETARCH'])).toEqual(
      [],
    );
  });

  it('is not told where the steps were cached, or fast, nor of one platform', async () => {
    const options: readonly BuildCase[] = [
      { cached: /go mod|<<END/ },
      { milliseconds: 10 },
      { platforms: ['linux/arm64'] },
    ];
    for (const each of options) expect(await found(CROSS, { differs: /from=build/, ...each })).toEqual([]);
  });
});
