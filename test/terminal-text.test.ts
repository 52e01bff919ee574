import { beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../packages/cli/src/commands/catalog.ts';
import { removeAll } from './support/containers.ts';
import { without, withoutRoot } from './support/lab.ts';
import { typeOnTerminal } from './support/terminal.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** A title, a cleared screen, C1, marks that reorder text, Unicode's line end, and the clipboard. */
const EVIL = '\x1b]0;PWN\x07\x1b[2J\u009b31m\u202e\u2066\u061c\u200f\u2028\x1b]52;c;cHdu\x07';
/** In a Dockerfile: a word, and no variable. */
const IMAGE = `FROM busybox
MAINTAINER x${EVIL}
LABEL "l${EVIL}"="v${EVIL}"
ENV A="b${EVIL}"
WORKDIR "/w${EVIL}"
VOLUME ["/v\\u001b]0;PWN\\u0007\\u202e\\u009b31m"]
HEALTHCHECK CMD echo "${EVIL}"
ONBUILD LABEL onbuild="${EVIL}"
RUN touch "/new${EVIL}"; echo "${EVIL}"
COPY ["file${EVIL}", "/copied"]
ENTRYPOINT ["sh", "-c", "touch \\"/made${EVIL.replaceAll('\x1b', '\\u001b').replaceAll('\x07', '\\u0007')}\\"; sleep 600"]
`;
const FAILING: Readonly<Record<string, string>> = {
  copy: `FROM scratch\nCOPY "nope${EVIL}" /\n`,
  unknown: `FROM scratch\nFOO${EVIL} x\n`,
  mount: `FROM busybox\nRUN --mount=type=bogus${EVIL} true\n`,
  run: `FROM busybox\nARG V="${EVIL}"\nRUN echo "${EVIL}" >&2; exit 3\n`,
  from: `FROM no${EVIL}\n`,
  stage: `FROM scratch AS a\nCOPY --from=b${EVIL} / /\n`,
  check: `FROM busybox AS a\nARG USED_NOWHERE="${EVIL}"\nMAINTAINER ${EVIL}\nCMD echo $UNDEFINED${EVIL}\n`,
};

/** What each command of the catalogue is asked. `terminal-context` and others are put in by {@link words}. */
const ASKED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  build: [
    ['--no-cache', 'CONTEXT'],
    ['--no-cache', '--progress', 'plain', 'CONTEXT'],
    ['--no-cache', '--progress', 'json', 'CONTEXT'],
    ['CONTEXT'],
    ...Object.keys(FAILING).flatMap((name) => [
      ['-f', `CONTEXT/${name}`, 'CONTEXT'],
      ['-f', `CONTEXT/${name}`, '--check', 'CONTEXT'],
      ['-f', `CONTEXT/${name}`, '--progress', 'json', 'CONTEXT'],
    ]),
    ...['check', 'outline', 'targets'].flatMap((method) => [
      ['-f', 'CONTEXT/check', '--call', method, 'CONTEXT'],
      ['-f', 'CONTEXT/check', '--call', `${method},format=json`, 'CONTEXT'],
    ]),
    ['--build-arg', `X${EVIL}=1`, 'CONTEXT'],
    ['--target', EVIL, 'CONTEXT'],
    ['--findings', '-,format=gnu', '--summary', `/nowhere${EVIL}/x`, 'CONTEXT'],
    ['--findings', EVIL, '--trace', `/nowhere${EVIL}/x`, '--findings', `-,format=${EVIL}`, 'CONTEXT'],
    ['-t', `x${EVIL}`, 'CONTEXT'],
    [`no${EVIL}`],
  ],
  images: [[], ['-a', '--no-trunc'], ['--format', 'json'], ['--format', '{{.Repository}}'], [EVIL]],
  inspect: [
    ['evil'],
    ['evil-container'],
    ['--format', 'json', 'evil'],
    ['--format', '{{.Config.Labels}} {{.Config.Env}} {{.Author}} {{.Config.WorkingDir}}', 'evil'],
    ['--format', '{{json .Config}}', 'evil'],
    ['--format', '{{.Config.Cmd}}{{.Mounts}}', 'evil-container'],
    [EVIL],
  ],
  history: [
    ['evil'],
    ['--no-trunc', 'evil'],
    ['--format', 'json', 'evil'],
    ['--format', '{{.CreatedBy}}', '--no-trunc', 'evil'],
  ],
  tag: [['evil', EVIL]],
  'image keygen': [[`/nowhere${EVIL}/x`]],
  'image sign': [['--key', `/nowhere${EVIL}`, 'evil'], [EVIL]],
  'image verify': [
    ['evil', 'CONTEXT'],
    ['--format', 'json', 'evil', 'CONTEXT'],
    ['-f', 'CONTEXT/check', 'evil', 'CONTEXT'],
    [EVIL, 'CONTEXT'],
    ['--key', `ed25519:${EVIL}`, 'evil'],
  ],
  rmi: [[EVIL], ['evil']],
  save: [['-o', `/nowhere${EVIL}/x`, 'evil'], [EVIL]],
  load: [['-i', `/nowhere${EVIL}`]],
  import: [[`/nowhere${EVIL}`]],
  pull: [[`a${EVIL}`]],
  push: [[`a${EVIL}`], ['evil']],
  doctor: [[], ['--format', 'json']],
  login: [['-u', EVIL, '-p', 'x', `localhost:1/${EVIL}`]],
  logout: [[`x${EVIL}`]],
  run: [
    ['--rm', `nope${EVIL}`],
    ['--rm', '-w', `/w${EVIL}`, '--entrypoint', `/no${EVIL}`, 'evil'],
    ['--rm', '-v', `a${EVIL}:/x`, 'evil'],
  ],
  create: [['--name', `q${EVIL}`, 'evil']],
  ps: [
    ['-a'],
    ['-a', '--no-trunc'],
    ['-a', '--format', 'json'],
    ['-a', '--format', '{{.Command}} {{.Labels}} {{.Mounts}}', '--no-trunc'],
  ],
  logs: [['evil-container'], [EVIL]],
  exec: [['evil-container', `/no${EVIL}`]],
  attach: [[EVIL]],
  start: [[EVIL]],
  stop: [[EVIL]],
  restart: [[EVIL]],
  pause: [[EVIL]],
  unpause: [[EVIL]],
  kill: [[EVIL], ['-s', EVIL, 'evil-container']],
  wait: [[EVIL]],
  rm: [[EVIL]],
  commit: [
    ['evil-container', `Q${EVIL}`],
    ['-c', `NO${EVIL} x`, 'evil-container'],
  ],
  diff: [['evil-container'], [EVIL]],
  cp: [
    ['evil-container:/nope', '/nowhere'],
    [`evil-container:/no${EVIL}`, '/tmp'],
    [`/nowhere${EVIL}`, 'evil-container:/'],
  ],
  export: [['-o', `/nowhere${EVIL}/x`, 'evil-container']],
  rename: [['evil-container', EVIL]],
  port: [['evil-container'], ['evil-container', EVIL]],
  top: [['evil-container']],
  'container prune': [['-f', '--filter', `until=${EVIL}`]],
  'volume create': [[EVIL]],
  'volume inspect': [[EVIL]],
  'volume ls': [[], ['--filter', `name=${EVIL}`], ['--format', 'json']],
  'volume prune': [['-f', '--filter', EVIL]],
  'volume rm': [[EVIL]],
  'cache ls': [[], ['--no-trunc'], ['--format', 'json'], ['--format', '{{.Description}}'], ['--remote', EVIL]],
  'cache prune': [['-f', '--filter', EVIL]],
  'cache verify': [[], ['--remote', EVIL]],
  'cache keygen': [[], [`${EVIL}/nowhere`]],
  'cache explain': [['last'], ['last', '--format', 'json'], [EVIL]],
  'builds ls': [[], ['--format', 'json'], ['evil'], [EVIL], [`./x${EVIL}`], ['-n', EVIL]],
  'builds inspect': [[], ['--format', 'json'], ['evil'], [EVIL]],
  'builds compare': [[], ['--format', 'json'], ['evil', 'last'], [EVIL]],
  'builds trace': [[], ['--format', 'otlp'], ['-o', `/nowhere${EVIL}/x`], [EVIL]],
  explain: [[], ['USAGE'], [EVIL]],
  fsck: [[], ['--format', 'json']],
  'cache export-mount': [[EVIL, '/nowhere']],
  'cache import-mount': [[EVIL, `/nowhere${EVIL}`]],
  'system df': [[], ['-v'], ['--format', 'json']],
  completion: [['bash'], [EVIL]],
  info: [[], ['--format', '{{json .}}'], [EVIL]],
  layers: [
    ['evil'],
    ['--files', 'evil'],
    ['--largest', 'evil'],
    ['--duplicates', 'evil'],
    ['--tree', 'evil'],
    ['--layer', '2', 'evil'],
    ['--compare', 'busybox', 'evil'],
    ...['json', 'dive'].map((format) => ['--format', format, 'evil']),
    ['evil', EVIL],
    ['--grep', EVIL, 'evil'],
    ['--min', EVIL, 'evil'],
    [`./no${EVIL}`],
  ],
  explore: [
    ['-o', '/dev/null', 'evil'],
    ['-o', `/nowhere${EVIL}/x`, 'evil'],
    ['--serve', EVIL, 'evil'],
    [`--serve=${EVIL}`, 'evil'],
    [`./no${EVIL}`],
  ],
  'image packages': [
    ['evil'],
    ['--by-layer', 'evil'],
    ['--by-step', 'evil'],
    ...['json', 'spdx', 'cyclonedx'].map((format) => ['--format', format, 'evil']),
    ['--stage', EVIL, 'evil'],
    ['--type', EVIL, 'evil'],
    [`./no${EVIL}`],
    [`a${EVIL}`],
  ],
  'image diff': [
    ['busybox', 'evil'],
    ['evil', 'busybox'],
    ['--format', 'json', 'busybox', 'evil'],
    ['evil', `a${EVIL}`],
  ],
  'image copy': [
    [EVIL, `x${EVIL}`],
    [`oci-layout:///no${EVIL}`, 'oci-layout:///nowhere/x'],
    [`127.0.0.1:1/a:${EVIL}`, 'oci-layout:///nowhere/x'],
  ],
  'image index': [
    [`x${EVIL}`, 'evil'],
    ['y', `a${EVIL}`],
    ['y', `./no${EVIL}`],
    ['--annotation', EVIL, 'y', 'evil'],
  ],
  'image prune': [['-f', '--filter', EVIL], [EVIL]],
  'system prune': [['-f', '--filter', EVIL], [EVIL]],
};

/** What we draw with ourselves: colours, cursor movements, erasing, the cursor hidden and shown. */
const OWN = /\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[\d*[AKJ]|\r/g;
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Where text that a terminal would obey begins, with its surroundings. */
function obeyed(text: string): string | undefined {
  const at = text.search(OBEYED);
  return at < 0 ? undefined : JSON.stringify(text.slice(Math.max(0, at - 40), at + 20));
}

it('every command is walked', () => {
  expect(Object.keys(ASKED).toSorted()).toEqual(Object.keys(catalog).toSorted());
});

const skipped = withoutRoot || without('python3');
describe.skipIf(skipped)('an image, a Dockerfile and words full of escape sequences (needs root, python3)', () => {
  let builder: Tsbuild;
  let context: string;
  beforeAll(async () => {
    builder = await tsbuild();
    context = await contextOf({ Dockerfile: IMAGE, [`file${EVIL}`]: 'x', ...FAILING });
    await builder.build(context, ['-t', 'evil']);
    await builder.output(['run', '-d', '--name', 'evil-container', 'evil']);
    return () => removeAll(builder);
  });
  const words = (command: string, asked: readonly string[]): string[] => [
    ...command.split(' '),
    ...asked.map((word) => word.replace('CONTEXT', context)),
  ];

  it.each(Object.entries(ASKED))('%s: nothing of it is obeyed', async (command, questions) => {
    for (const question of questions) {
      const args = words(command, question);
      const piped = await builder.run(args);
      expect({ args, found: obeyed(piped.stdout.replaceAll('\r\n', '\n')) ?? obeyed(piped.stderr) }).toEqual({
        args,
        found: undefined,
      });
      // JSON is the same on a terminal.
      if (question.some((word) => word.includes('json'))) continue;
      const shown = await typeOnTerminal(builder, args, []);
      expect({ args, found: obeyed(shown.stdout.replace(OWN, '')) }).toEqual({ args, found: undefined });
      expect(`${piped.stderr}${shown.stdout}`).not.toMatch(/bug in tsbuild|\n {4}at /);
    }
  });

  it('JSON stays JSON, and says the same as before', async () => {
    const failing = ['build', '-f', `${context}/run`, '--progress', 'json', context];
    for (const line of (await builder.run(failing)).stderr.trim().split('\n'))
      expect(JSON.parse(line)).toHaveProperty('type');
    const [image] = JSON.parse(await builder.output(['inspect', 'evil'])) as [
      { Config: { Labels: Record<string, string> } },
    ];
    expect(image.Config.Labels).toEqual({ [`l${EVIL}`]: `v${EVIL}` });
  });

  it('what a container itself says goes out as it is', async () => {
    const said = await builder.output(['run', '--rm', '--entrypoint', 'printf', 'evil', '\\033[1mbold']);
    expect(said).toBe('\x1b[1mbold');
  });
});
