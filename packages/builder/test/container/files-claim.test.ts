import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeIdentity, thisProcess } from '@tsbuild/oci/internal';
import { claimFiles } from '../../src/container/files/files-claim.ts';

let container: { readonly directory: string };
beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-files-claim-'));
  mkdirSync(join(directory, 'claims'));
  container = { directory };
});
afterEach(() => rmSync(container.directory, { recursive: true, force: true }));

const claims = (): readonly string[] => readdirSync(join(container.directory, 'claims'));
const other = '0123456789abcdef';
const leave = (claim: object, minutes: number): void => {
  const path = join(container.directory, 'claims', other);
  writeFileSync(path, JSON.stringify(claim));
  const then = Date.now() / 1000 - minutes * 60;
  utimesSync(path, then, then);
};

/** Longer than a busy machine takes for a claim that nobody else has. */
const PATIENT = 20_000;

/** Whether the claim is had in so many milliseconds. */
async function isFree(patience = 300): Promise<boolean> {
  const control = new AbortController();
  const waiting = new AbortController();
  const claiming = claimFiles(container, control.signal);
  const held = await Promise.race([
    claiming,
    delay(patience, undefined, { signal: waiting.signal }).catch(() => undefined),
  ]);
  waiting.abort();
  control.abort(new Error('enough'));
  held?.[Symbol.dispose]();
  if (held === undefined) await claiming.catch(() => undefined);
  return held !== undefined;
}

describe('the claim on the files of a container', () => {
  it('is one at a time, in a form that earlier versions read', async () => {
    const never = new AbortController().signal;
    const first = await claimFiles(container, never);
    const [name = ''] = claims();
    expect(name).toMatch(/^[0-9a-f]{16}$/);
    const text = readFileSync(join(container.directory, 'claims', name), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ ...thisProcess() });
    expect(decodeIdentity(JSON.parse(text))).toEqual(thisProcess());
    expect(await isFree()).toBe(false);
    first[Symbol.dispose]();
    expect(await isFree(PATIENT)).toBe(true);
    expect(claims()).toEqual([]);
  });

  it.each([
    ['this process, by an earlier version', thisProcess(), 5, false],
    ['a process that has ended', { ...thisProcess(), start: '1' }, 0, true],
    ['before a restart of the machine', { ...thisProcess(), boot: 'another' }, 0, true],
    [
      'another container, by an earlier version that gives no sign of life',
      { ...thisProcess(), namespace: 'x' },
      5,
      false,
    ],
    ['such a one that has not ended for an hour', { ...thisProcess(), namespace: 'x' }, 65, true],
    ['another container', { ...thisProcess(), world: 'another x', claim: 'y' }, 0, false],
    ['another container, without a sign of life', { ...thisProcess(), world: 'another x', claim: 'y' }, 1, true],
  ])('of %s', async (_, claim, minutes, free) => {
    leave(claim, minutes);
    expect(await isFree(free ? PATIENT : 300)).toBe(free);
    expect(claims()).toEqual(free ? [] : [other]);
  });
});
