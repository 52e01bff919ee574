import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { selectExecutor } from '../../src/executor/select.ts';
import { BuildBench } from '../../testing/build-bench.ts';
import { BusyboxRoot, IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';

const KEYCTL = { x64: 250, arm64: 219 }[arch()];
const SKIP = NO_SANDBOX || (KEYCTL === undefined || IN_USER_NAMESPACE ? ' (needs root of the machine)' : '');

/** What commands inherit of this process: the number of its session keyring, and its seccomp mode. */
async function inherited(): Promise<{ readonly keyring: number; readonly seccomp: string | undefined }> {
  const { default: koffi } = await import('koffi');
  const call = koffi.load(null).func('long syscall(long number, long operation, long id, long create)');
  const keyring = call(KEYCTL, 0, -3, 0) as number;
  return { keyring, seccomp: /^Seccomp:\s*(\d)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] };
}

// In this order: what is done to a process is done for good.
describe.skipIf(SKIP !== '')(`the process${SKIP}`, () => {
  const signal = new AbortController().signal;

  it('is not changed by choosing an executor, a command or a build, which say what is missing', async () => {
    using root = new BusyboxRoot();
    await using bench = await BuildBench.make();
    const before = await inherited();
    const notices: string[] = [];
    const scratch = join(root.directory, 'scratch');
    const executor = await selectExecutor('namespaces', { scratch, notice: (text) => notices.push(text) });
    expect(notices).toEqual([expect.stringContaining('prepareProcess()')]);
    const output = new CapturedOutput();
    await executor.run(root.spec(['sh', '-c', 'echo works']), output, signal);
    expect(output.out).toBe('works\n');
    const built = await bench.build('FROM busybox\nRUN echo works\n', { beforeCommands: async () => {} });
    expect(built.output).toBe('works\n');
    expect(built.events).toContain('prepareProcess()');
    expect(await inherited()).toEqual(before);
  });

  it('is changed by beforeCommands of a build that executes something, and of no other', async () => {
    await using bench = await BuildBench.make();
    let called = 0;
    const beforeCommands = async (): Promise<void> => void called++;
    const text = 'FROM busybox\nRUN echo once\nRUN echo twice\n';
    await bench.build(text, { beforeCommands });
    expect(called).toBe(1);
    expect((await bench.build(text, { beforeCommands })).steps).toMatchObject({ cached: 2 });
    expect(called).toBe(1);
  });

  it('is changed by prepareProcess: another session keyring, and a seccomp filter', async () => {
    using root = new BusyboxRoot();
    const before = await inherited();
    await prepareProcess('namespaces');
    await prepareProcess('namespaces');
    const notices: string[] = [];
    const scratch = join(root.directory, 'scratch');
    const executor = await selectExecutor('namespaces', { scratch, notice: (text) => notices.push(text) });
    expect(notices).toEqual([]);
    const output = new CapturedOutput();
    await executor.run(root.spec(['grep', 'Seccomp:', '/proc/self/status']), output, signal);
    expect(output.out).toBe('Seccomp:\t2\n');
    expect(readFileSync('/proc/self/status', 'latin1')).toMatch(/^Seccomp:\s*2$/m);
    // No call tells the keyring any more: they are among those that the filter forbids.
    expect(before.keyring).toBeGreaterThan(0);
    expect((await inherited()).keyring).toBe(-1);
  });
});
