import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HiddenTerminal } from './terminal.ts';

/** What scenes are played with. */
interface Stage {
  /** A folder of this run. */
  readonly folder: string;
  /** The words that start the command. */
  readonly command: readonly string[];
  /** With TSBUILD_ROOT, a store that has the image busybox. */
  readonly env: Readonly<Record<string, string>>;
}

/** Something to be seen on a terminal. */
export interface Scene {
  /** The heading of docs/progress.md under which it stands. */
  readonly title: string;
  /** The screens, one after the other. */
  play(stage: Stage): Promise<readonly string[]>;
}

const SIZE = { columns: 84, rows: 22 };

/** A project whose two stages are at work at the same time. */
const TWO_STAGES = {
  Dockerfile: `FROM busybox AS deps
WORKDIR /deps
COPY package.json .
RUN for i in $(seq 1 80); do echo "added package-$i"; sleep 0.05; done; echo done >installed

FROM busybox AS app
COPY src /src
RUN for i in $(seq 1 80); do echo "compiled src/file-$i.ts"; sleep 0.05; done; cp -r /src /out

FROM busybox
COPY --from=deps /deps /app
COPY --from=app /out /app
CMD ["cat", "/app/index.ts"]
`,
  'package.json': '{}\n',
  'src/index.ts': 'export {};\n',
};

/** One whose command says much, and fails. */
const FAILING = {
  Dockerfile: `FROM busybox
COPY src /src
RUN for i in $(seq 1 60); do echo "ok $i - test number $i"; done; echo "not ok 61 - the last one"; exit 1
`,
  'src/index.ts': 'export {};\n',
};

export const SCENES: readonly Scene[] = [
  {
    title: 'Two stages at once',
    play: (stage) =>
      build(stage, TWO_STAGES, ['-t', 'my-app'], async (terminal, again) => {
        const running = await terminal.shows(/package-1\d[^]*file-1\d/);
        await terminal.exitCode();
        const done = await terminal.shows(/Next: /);
        await using second = await again();
        await second.exitCode();
        return [running, done, await second.shows(/Next: /)];
      }),
  },
  {
    title: 'A narrow terminal',
    play: (stage) =>
      build(stage, TWO_STAGES, ['--no-cache'], async (terminal) => {
        await terminal.shows(/package-1\d/);
        await terminal.resize({ columns: 48, rows: 12 });
        await new Promise((resolve) => setTimeout(resolve, 500));
        const narrow = await terminal.screen();
        await terminal.type('C-c');
        await terminal.exitCode();
        return [narrow];
      }),
  },
  {
    title: 'A download',
    play: async (stage) => {
      await using server = await slowServer();
      const files = { Dockerfile: `FROM busybox\nADD ${server.url}/archive.bin /data/\n` };
      return await build(stage, files, [], async (terminal) => {
        const running = await terminal.shows(/=====+>/);
        await terminal.exitCode();
        return [running.replaceAll(server.url, 'http://example.com')];
      });
    },
  },
  {
    title: 'A step that fails',
    play: (stage) =>
      build(stage, FAILING, [], async (terminal) => {
        await terminal.exitCode();
        return [await terminal.shows(/ERROR: /, true)];
      }),
  },
  {
    title: 'Ctrl-C',
    play: (stage) =>
      build(stage, TWO_STAGES, ['--no-cache'], async (terminal) => {
        await terminal.shows(/package-1\d/);
        await terminal.type('C-c');
        const code = await terminal.exitCode();
        if (code !== 130) throw new Error(`Ctrl-C gave the exit code ${code}`);
        if (!(await terminal.showsCursor())) throw new Error('the cursor is gone');
        return [await terminal.shows(/interrupted/)];
      }),
  },
];

/** Builds a project of these files on a terminal of its own; `again` builds it once more on another one. */
async function build(
  { folder, command, env }: Stage,
  files: Readonly<Record<string, string>>,
  flags: readonly string[],
  look: (terminal: HiddenTerminal, again: () => Promise<HiddenTerminal>) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const own = mkdtempSync(join(folder, 'scene-'));
  const context = join(own, 'context');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), text);
  }
  let number = 0;
  const open = (): Promise<HiddenTerminal> =>
    HiddenTerminal.open(join(own, `tmux-${number++}`), [...command, 'build', ...flags, context], env, SIZE);
  await using terminal = await open();
  return await look(terminal, open);
}

/** Twenty megabytes, in five seconds. */
async function slowServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const piece = Buffer.alloc(200_000, 'x');
  const count = 100;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': piece.length * count });
    let sent = 0;
    const timer = setInterval(() => {
      response.write(piece);
      if (++sent === count) {
        clearInterval(timer);
        response.end();
      }
    }, 50);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
