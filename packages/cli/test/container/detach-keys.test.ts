import { describe, expect, it } from 'vitest';
import { DetachKeys } from '../../src/container/detach-keys.ts';

const pass = (keys: DetachKeys, text: string) => {
  const { pass: passed, detached } = keys.filter(Buffer.from(text));
  return [Buffer.from(passed).toString(), detached];
};

describe('DetachKeys', () => {
  it('are ctrl-p ctrl-q, also in two reads, and go no further', () => {
    expect(pass(new DetachKeys(), 'abc\x10\x11')).toEqual(['abc', true]);
    const keys = new DetachKeys();
    expect(pass(keys, 'a\x10')).toEqual(['a', false]);
    expect(pass(keys, '\x11')).toEqual(['', true]);
  });

  it('pass on what only began like them', () => {
    const keys = new DetachKeys();
    expect(pass(keys, '\x10')).toEqual(['', false]);
    expect(pass(keys, 'x')).toEqual(['\x10x', false]);
    expect(pass(keys, '\x10\x10\x11')).toEqual(['\x10', true]);
  });

  it('can be others, or none', () => {
    expect(pass(new DetachKeys('ctrl-x,d'), '\x10\x11\x18d')).toEqual(['\x10\x11', true]);
    expect(pass(new DetachKeys(''), '\x10\x11')).toEqual(['\x10\x11', false]);
    expect(() => new DetachKeys('ctrl-')).toThrow('invalid detach keys');
  });
});
