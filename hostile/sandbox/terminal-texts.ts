import { shellWord } from '../../packages/builder/src/executor/terminal.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

/** A title, a cleared screen, C1, marks that reorder text, Unicode's line end, and the clipboard. */
const EVIL = '\x1b]0;PWN\x07\x1b[2J\u009b31m\u202e\u2066\u061c\u200f\u2028\x1b]52;c;cHdu\x07';

const DOCKERFILE = (base: string): string => `FROM ${base}
MAINTAINER x${EVIL}
LABEL "l${EVIL}"="v${EVIL}"
ENV A="b${EVIL}"
WORKDIR "/w${EVIL}"
RUN touch "/new${EVIL}"; echo "${EVIL}"
COPY ["file${EVIL}", "/copied"]
CMD ["sh", "-c", "sleep 600 # ${JSON.stringify(EVIL).slice(1, -1)}"]
`;

/** Everything that shows something of it; `test/terminal-text.test.ts` walks every command. */
const ASKED: readonly (readonly string[])[] = [
  ['build', '--no-cache', '--progress', 'plain', 'CONTEXT'],
  ['build', '-f', 'CONTEXT/failing', 'CONTEXT'],
  ['build', '-f', 'CONTEXT/failing', '--check', 'CONTEXT'],
  ['history', '--no-trunc', 'evil'],
  ['history', '--no-trunc', '--format', '{{.CreatedBy}}', 'evil'],
  ['inspect', 'evil'],
  ['inspect', '--format', '{{.Config.Labels}} {{.Config.Env}} {{.Author}} {{.Config.WorkingDir}}', 'evil'],
  ['inspect', '--format', '{{json .Config}}', 'evil'],
  ['ps', '-a', '--no-trunc'],
  ['diff', 'evil'],
  ['cp', `evil:/no${EVIL}`, '/tmp'],
  ['cache', 'ls', '--no-trunc'],
  ['cache', 'explain', 'last'],
];

/** What tsbuild draws with itself: colours, cursor movements, erasing, the cursor hidden and shown; and a terminal's line end. */
const OWN = /\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[\d*[AKJ]|\r/g;
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/**
 * Shows an image all of whose texts are escape sequences, into a pipe and on a terminal.
 * @returns the commands whose output a terminal would obey
 */
export async function tryTerminalTexts(mode: Mode, base: string): Promise<readonly string[]> {
  const tsbuild = new ModeCommand(mode);
  const context = tsbuild.context('texts', {
    Dockerfile: DOCKERFILE(base),
    failing: `FROM ${base} AS a\nARG V="${EVIL}"\nMAINTAINER ${EVIL}\nRUN echo "${EVIL}" >&2; exit 3\n`,
    [`file${EVIL}`]: 'x',
  });
  await tsbuild.output(['build', '-q', '-t', 'evil', context]);
  await tsbuild.output(['create', '--name', 'evil', 'evil']);
  const found: string[] = [];
  try {
    for (const question of ASKED) {
      const words = question.map((word) => word.replace('CONTEXT', context));
      const piped = await tsbuild.run(words);
      const shown = await tsbuild.run(words, onTerminal);
      const texts = [
        ['a pipe', `${piped.stdout}${piped.stderr}`],
        ['a terminal', shown.stdout.replace(OWN, '')],
      ] as const;
      for (const [where, text] of texts) {
        const at = text.search(OBEYED);
        if (at < 0) continue;
        found.push(
          `${question.slice(0, 2).join(' ')}, to ${where}: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))}`,
        );
      }
    }
  } finally {
    await tsbuild.run(['rm', '-f', 'evil']);
  }
  return found;
}

/** `script` of util-linux makes a terminal. */
const onTerminal = (words: readonly string[]): readonly string[] => [
  'script',
  '-qec',
  words.map(shellWord).join(' '),
  '/dev/null',
];
