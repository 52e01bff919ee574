import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

const NAME = 'arguments';

/**
 * Reads the command lines of the whole machine, which every user may, while secrets are given to builds and containers by the ways that
 * keep them out of one's own command line.
 * @returns the command lines with the secret in them
 */
export async function tryArguments(mode: Mode, base: string): Promise<readonly string[]> {
  const secret = mode.env['HOSTILE_CANARY'] ?? '';
  const proxy = `http://bob:${secret}@127.0.0.1:9`;
  const tsbuild = new ModeCommand(mode, { HTTP_PROXY: proxy, http_proxy: proxy, no_proxy: '*' });
  const file = join(mode.folder, 'env-file');
  writeFileSync(file, `FROM_FILE=${secret}\n`);
  const context = tsbuild.context(NAME, {
    Dockerfile: `FROM ${base}\nRUN sleep 0.3\nRUN --mount=type=secret,id=s,env=GIVEN --mount=type=secret,id=f sleep 0.3\n`,
  });
  const secrets = ['--secret', 'id=s,env=HOSTILE_CANARY', '--secret', `id=f,src=${file}`];
  const found = new Set<string>();
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const line of commandLinesWith(secret)) found.add(line);
      await turn();
    }
  })();
  const given = ['-e', 'HOSTILE_CANARY', '--env-file', file];
  try {
    await tsbuild.output(['build', '-q', '--no-cache', '--build-arg', 'HTTP_PROXY', ...secrets, context]);
    await tsbuild.output(['run', '-d', '--name', NAME, ...given, base, 'sleep', '1000']);
    await tsbuild.output(['exec', ...given, NAME, 'sleep', '0.3']);
    await tsbuild.output(['exec', '-t', ...given, NAME, 'sleep', '0.3']);
    await tsbuild.output(['run', '--rm', '-t', ...given, base, 'sleep', '0.3']);
    await tsbuild.output(['restart', '-t', '0', NAME]);
  } finally {
    over.abort();
    await watching;
    await tsbuild.run(['rm', '-f', NAME]);
  }
  return [...found];
}

function commandLinesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return ''; // It has ended.
      }
    })
    .filter((line) => line.includes(text))
    .map((line) => line.slice(0, 120));
}
