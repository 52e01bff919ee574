import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Interrupted } from './errors.ts';
import type { Host } from './host.ts';

/**
 * Asks on the terminal for one line, without showing what is typed when it is `secret`. The question goes to standard
 * error. Undefined when the input ends instead (Ctrl-D).
 * @throws Interrupted for Ctrl-C, the signal's reason
 */
export async function askOnTerminal(
  question: string,
  host: Pick<Host, 'stdin' | 'stderr' | 'signal'>,
  options: { readonly secret?: boolean } = {},
): Promise<string | undefined> {
  host.signal.throwIfAborted();
  const { secret = false } = options;
  // With a terminal for its input readline itself echoes what is typed: into nothing, for a secret.
  const echo = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : host.stderr;
  if (secret) host.stderr.write(question);
  const line = createInterface({ input: host.stdin, output: echo, terminal: true, historySize: 0 });
  let stop = () => {};
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      stop = () => reject(host.signal.reason);
      host.signal.addEventListener('abort', stop);
      line.once('SIGINT', () => reject(new Interrupted('SIGINT')));
      line.once('close', () => resolve(undefined));
      line.question(secret ? '' : question, resolve);
    });
  } finally {
    host.signal.removeEventListener('abort', stop);
    line.close();
    if (secret) host.stderr.write('\n');
  }
}
