import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { output, run } from '../test/support/process.ts';

const TERM = 'screen-256color';

/** How wide and high a terminal is. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Runs a program, writes its exit code down, and stays: of a terminal whose program has ended tmux shows no cursor. */
const AND_STAY = 'trap : INT; status=$0; "$@"; echo $? >"$status"; exec sleep 600';

/** A terminal that nobody sees (tmux), with one program in it. */
export class HiddenTerminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** `socket` is a path of its own for each terminal. The screen stays when the program ends. */
  static async open(
    socket: string,
    words: readonly string[],
    env: Readonly<Record<string, string>>,
    { columns, rows }: TerminalSize,
  ): Promise<HiddenTerminal> {
    const options = ['-S', socket, '-f', '/dev/null'];
    const keep = ['set-option', '-g', 'history-limit', '5000', ';'];
    const size = ['-x', String(columns), '-y', String(rows)];
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const program = quoted(['sh', '-c', AND_STAY, `${socket}.status`, ...words]);
    // The options must be there before the program is.
    const start = ['start-server', ';', ...keep, 'new-session', '-d', ...size, ...variables, program];
    await output('tmux', [...options, ...start], { env: { ...env, TERM } });
    return new HiddenTerminal(socket);
  }

  /**
   * What the screen shows, without what is empty at its end; with `history` also what has gone up over its edge. Once the program
   * has ended, lines that the terminal wrapped are whole.
   */
  async screen(history = false): Promise<string> {
    const joined = existsSync(`${this.#socket}.status`) ? ['-J'] : [];
    const lines = await this.#tmux(['capture-pane', '-p', ...joined, ...(history ? ['-S', '-'] : [])]);
    return lines
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }

  /** The screen as soon as it matches. @throws Error with what it showed instead */
  async shows(wanted: RegExp, history = false, seconds = 60): Promise<string> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const screen = await this.screen(history);
      if (wanted.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`the terminal did not show ${wanted} but\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** How the program ended. */
  async exitCode(seconds = 60): Promise<number> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const status = await readFile(`${this.#socket}.status`, 'utf8').catch(() => '');
      if (status.endsWith('\n')) return Number(status);
      if (Date.now() > end) throw new Error(`the program did not end:\n${await this.screen()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Types a key by tmux's name for it, e.g. `C-c`. */
  async type(key: string): Promise<void> {
    await this.#tmux(['send-keys', key]);
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** Whether the cursor is to be seen. */
  async showsCursor(): Promise<boolean> {
    return (await this.#tmux(['display-message', '-p', '#{cursor_flag}'])).trim() === '1';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('tmux', ['-S', this.#socket, 'kill-server']);
  }

  #tmux(args: readonly string[]): Promise<string> {
    return output('tmux', ['-S', this.#socket, ...args], { env: { TERM } });
  }
}

/** Words as a shell reads them. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
