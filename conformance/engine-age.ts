import type { Case } from './case.ts';

/** A difference of every engine below some Dockerfile version: it was mended later, and newer engines judge the cases. */
interface AgeRule {
  readonly before: readonly [number, number];
  readonly pattern: RegExp;
  /** Only where the Dockerfile has this. */
  readonly where?: RegExp;
  readonly reason: string;
}

const RULES: readonly AgeRule[] = [
  {
    before: [1, 5],
    pattern:
      /^history \d+: engine \{"created_by":"(COPY|ADD) (.*)",(.*)\}, tsbuild \{"created_by":"\1 --chown=\S+ \2",\3\}$/,
    reason: 'the history of older engines does not show --chown',
  },
  {
    before: [1, 5],
    pattern: /^layer \d+ [^:]+: only engine has it: (?:directory 755|file 755|file 644) 0:0$/,
    where: /RUN --mount/,
    reason: 'older engines leave the mount points of RUN --mount in the layer',
  },
  {
    before: [1, 5],
    pattern: /^layer \d+ [^:]+: only tsbuild has it: fifo /,
    where: /^COPY/m,
    reason: 'COPY of older engines leaves fifos out',
  },
];

/** Why an engine of this age differs so; undefined when its age is no reason. */
export function reasonOfAge(
  difference: string,
  { files }: Case,
  speaks: (version: readonly [number, number]) => boolean,
): string | undefined {
  const text = files.map(({ content }) => content).join('\n');
  return RULES.find(
    ({ before, pattern, where }) => !speaks(before) && pattern.test(difference) && where?.test(text) !== false,
  )?.reason;
}
