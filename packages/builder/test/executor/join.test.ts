import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KilledCommandFilter } from '../../src/executor/join/killed-command.ts';
import { unreadableTool } from '../../src/executor/join/unreadable-tool.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';

const COMPLAINT = 'tsbuild-exec: sigprocmask unblock failed: Invalid argument\n';

describe("the complaint of a command's starter", () => {
  /** What comes through, and the exit code, of stderr in pieces. */
  const after = async (pieces: readonly string[], exitCode: number) => {
    const output = new CapturedOutput();
    const filter = new KilledCommandFilter(output, 'stderr');
    for (const piece of pieces) await filter.stderr(Buffer.from(piece));
    const result = await filter.finish(exitCode);
    return { ...result, err: output.err };
  };

  it('is taken for SIGKILL at the very end, in whatever pieces it comes', async () => {
    expect(await after([`said\n${COMPLAINT}`], 1)).toEqual({ exitCode: 137, err: 'said\n' });
    expect(await after([...`said t\n${COMPLAINT}`], 1)).toEqual({ exitCode: 137, err: 'said t\n' });
  });

  it('is passed on anywhere else, and with any other exit code', async () => {
    expect(await after([COMPLAINT, 'more\n'], 1)).toEqual({ exitCode: 1, err: `${COMPLAINT}more\n` });
    expect(await after([COMPLAINT], 2)).toEqual({ exitCode: 2, err: COMPLAINT });
    expect(await after(['tsbuild-exec: sig'], 1)).toEqual({ exitCode: 1, err: 'tsbuild-exec: sig' });
  });

  it('holds back nothing that cannot be its beginning', async () => {
    const output = new CapturedOutput();
    const filter = new KilledCommandFilter(output, 'stderr');
    await filter.stderr(Buffer.from('what it said'));
    expect(output.err).toBe('what it said');
  });
});

describe('a tool that nobody can read', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-join-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('may be executed only, and is made anew when the program has changed', () => {
    const program = join(directory, 'program');
    const path = join(directory, 'sub/tool');
    writeFileSync(program, 'one');
    expect(unreadableTool(path, program)).toBe(path);
    expect(statSync(path)).toMatchObject({ size: 3 });
    expect(statSync(path).mode & 0o7777).toBe(0o111);
    const first = statSync(path).ino;
    unreadableTool(path, program);
    expect(statSync(path).ino).toBe(first);
    writeFileSync(program, 'another');
    unreadableTool(path, program);
    expect(statSync(path).size).toBe(7);
  });
});
