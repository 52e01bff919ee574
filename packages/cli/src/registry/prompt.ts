import { Interrupted } from '../host/usage-error.ts';
import type { Host, InputStream } from '../host/host.ts';

/**
 * Asks on the terminal for one line; what is typed stays unseen when it is `secret`. The question goes to standard error.
 * Undefined when the input ends instead (Ctrl-D). What was typed ahead, behind the line, is left to the next reader.
 * @throws Interrupted for Ctrl-C, the signal's reason
 */
export async function askOnTerminal(
  question: string,
  host: Pick<Host, 'stdin' | 'stderr' | 'signal'>,
  options: { readonly secret?: boolean } = {},
): Promise<string | undefined> {
  const { stdin, stderr, signal } = host;
  const { secret = false } = options;
  signal.throwIfAborted();
  // In raw mode nothing is echoed, and what the terminal's driver did with keys is left to us.
  if (secret) stdin.setRawMode?.(true);
  stderr.write(question);
  try {
    const line = await readLine(stdin, signal);
    return line === undefined || !secret ? line : edited(line);
  } finally {
    if (secret) {
      stdin.setRawMode?.(false);
      stderr.write('\n');
    }
  }
}

const INTERRUPT = '\x03';
const END = '\x04';

async function readLine(stdin: InputStream, signal: AbortSignal): Promise<string | undefined> {
  // Latin-1: bytes as characters, so that a character of several bytes may be split anywhere.
  let bytes = '';
  let stop = () => {};
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        const from = bytes.length;
        bytes += chunk.toString('latin1');
        const length = bytes.slice(from).search(/[\r\n\x03\x04]/);
        if (length < 0) return;
        const end = from + length;
        stop();
        const rest = bytes.slice(end + 1);
        if (rest !== '') stdin.unshift(Buffer.from(rest, 'latin1'));
        if (bytes[end] === INTERRUPT) reject(new Interrupted('SIGINT'));
        else if (bytes[end] === END && end === 0) resolve(undefined);
        else resolve(Buffer.from(bytes.slice(0, end), 'latin1').toString('utf8'));
      };
      const abort = (): void => reject(signal.reason);
      const close = (): void => resolve(undefined);
      stop = () => {
        stdin.pause();
        stdin.off('data', take).off('end', close).off('close', close).off('error', reject);
        signal.removeEventListener('abort', abort);
        stop = () => {};
      };
      signal.addEventListener('abort', abort);
      stdin.on('data', take).once('end', close).once('close', close).once('error', reject);
      stdin.resume();
    });
  } finally {
    stop();
  }
}

/** A line typed in raw mode with its corrections done: backspace, Ctrl-U; arrow keys and the like leave nothing. */
function edited(line: string): string {
  const typed: string[] = [];
  for (const character of line.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)?/g, '')) {
    if (character === '\x7f' || character === '\b') typed.pop();
    else if (character === '\x15') typed.length = 0;
    else if (character >= ' ') typed.push(character);
  }
  return typed.join('');
}
