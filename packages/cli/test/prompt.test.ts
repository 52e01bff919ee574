import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../src/host/usage-error.ts';
import { askOnTerminal } from '../src/registry/prompt.ts';

/** A terminal at which somebody types `keys`; `raw` is what it was told. */
function terminal(keys: string) {
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (mode: boolean) => {
      raw.push(mode);
    },
  });
  const stderr = new PassThrough();
  const abort = new AbortController();
  stdin.write(keys);
  return {
    raw,
    stdin,
    stderr,
    abort,
    host: { stdin, stderr, signal: abort.signal },
    shown: () => String(stderr.read()),
  };
}

describe('a question at the terminal', () => {
  it('leaves what is no secret to the terminal, which echoes it', async () => {
    const { host, shown, raw } = terminal('me\n');
    expect(await askOnTerminal('Username: ', host)).toBe('me');
    expect(shown()).toBe('Username: ');
    expect(raw).toEqual([]);
  });

  it('shows nothing of a secret, and takes corrections and any character', async () => {
    const { host, shown, raw } = terminal('no\x15ope\x1b[Dé\x7fm\x7f\x1bOAn ses\x01äme☃\r');
    expect(await askOnTerminal('Password: ', host, { secret: true })).toBe('open sesäme☃');
    expect(shown()).toBe('Password: \n');
    expect(raw).toEqual([true, false]);
  });

  it.each([true, false])('ends without an answer at Ctrl-D (secret: %s)', async (secret) => {
    const { host, raw } = terminal('\x04');
    expect(await askOnTerminal('?', host, { secret })).toBeUndefined();
    expect(raw).toEqual(secret ? [true, false] : []);
  });

  it('ends at Ctrl-C and gives the terminal back', async () => {
    const { host, raw } = terminal('ab\x03');
    await expect(askOnTerminal('?', host, { secret: true })).rejects.toBeInstanceOf(Interrupted);
    expect(raw).toEqual([true, false]);
  });

  it('ends when the command is told to', async () => {
    const { host, abort, raw } = terminal('');
    const answer = askOnTerminal('?', host, { secret: true });
    abort.abort(new Interrupted('SIGTERM'));
    await expect(answer).rejects.toBeInstanceOf(Interrupted);
    expect(raw).toEqual([true, false]);
  });

  it('can be followed by another', async () => {
    const { host, stdin } = terminal('me\r');
    expect(await askOnTerminal('Username: ', host)).toBe('me');
    stdin.write('secret\r');
    expect(await askOnTerminal('Password: ', host, { secret: true })).toBe('secret');
  });

  it('keeps what was typed ahead', async () => {
    const { host } = terminal('me\rsecret\r');
    expect(await askOnTerminal('Username: ', host)).toBe('me');
    expect(await askOnTerminal('Password: ', host, { secret: true })).toBe('secret');
  });

  it('waits for a line that comes in pieces, in the middle of a character too', async () => {
    const { host, stdin } = terminal('');
    const answer = askOnTerminal('?', host, { secret: true });
    for (const byte of Buffer.from('käse\r')) {
      stdin.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await answer).toBe('käse');
  });

  it('ends without an answer when the terminal goes away', async () => {
    const { host, stdin } = terminal('ab');
    stdin.end();
    expect(await askOnTerminal('?', host, { secret: true })).toBeUndefined();
  });
});
