import { fixtureDockerfiles } from '../project.ts';

/** What a Dockerfile is made of. */
export const DOCKERFILE_WORDS: readonly string[] = [
  ['FROM scratch\n', 'FROM base AS x\n', 'AS', '\nRUN ', '\nCOPY ', '\nADD ', '\nENV A=', '\nARG B\n', '\nLABEL '],
  ['\nONBUILD ', '\nHEALTHCHECK ', '\nCMD ', '\nENTRYPOINT ', '\nSHELL ', '\nUSER ', '\nWORKDIR ', '\nEXPOSE '],
  ['\nVOLUME ', '\nSTOPSIGNAL ', '\nMAINTAINER ', '# syntax=x\n', '# escape=`\n', '# check=skip=all\n', '#'],
  ['\\\n', '`\n', '\\', '"', "'", '[', ']', '["a", "b"]', '{', '}', '$A', '${A}', '${A:-x}', '${A//a/b}', '$', '='],
  ['<<EOF', '<<-"EOF"\n', '\nEOF\n', '3<<A', '<<', '--from=x', '--mount=type=bind,source=a,target=/b', '--chown=1:2'],
  ['--platform=$BUILDPLATFORM', '--interval=1s', '--parents', '--exclude=*', '--network=none', '--', ' ', '\t', '\r\n'],
  ['\u0000', '\xef\xbb\xbf', '\xc2\x85', '\xff', '0-65535', '0-65535 ', '80/tcp ', '1s', '/', '..', '*', '?', '[a-z]'],
].flat();

/** Small in bytes, great in work: what stands here was slow or large once. */
const EXPENSIVE = [
  `FROM scratch\nEXPOSE ${'0-65535 '.repeat(6000)}`,
  `FROM scratch\nRUN <<${'a\\\n'.repeat(30_000)}`,
  `FROM scratch\nENV A=0123456789\n${'ENV A=${A//?/$A}\n'.repeat(12)}`,
  `FROM scratch\nENV A=${'a'.repeat(60_000)}\nENV B=\${A//${'a'.repeat(60_000)}/}\n`,
  `FROM scratch\nENV ${'A=b '.repeat(10_000)}`,
  `FROM scratch\n${'LABEL a=b\n'.repeat(4000)}`,
  `FROM scratch\n${'ENV A=$A$A$A$A$A$A$A$A$A$A\n'.repeat(9)}`.replace('ENV A=$A', 'ENV A=0123456789\nENV A=$A'),
];

/** The fixtures, good and bad, and what is expensive. */
export function dockerfileSeeds(): readonly Uint8Array[] {
  return [
    ...fixtureDockerfiles('dockerfiles'),
    ...fixtureDockerfiles('dockerfiles-invalid'),
    ...EXPENSIVE.map((text) => Buffer.from(text)),
  ];
}
