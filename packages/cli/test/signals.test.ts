import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Interrupted } from '../src/host/usage-error.ts';
import { abortOnSignals } from '../src/start/signals.ts';

function fakeProcess() {
  const exits: (number | string | null | undefined)[] = [];
  const exit = ((code) => {
    exits.push(code);
  }) as NodeJS.Process['exit'];
  return { process: Object.assign(new EventEmitter(), { exit }) as unknown as NodeJS.Process, exits };
}

it('aborts at the first signal, takes an echo of it for the same, and exits at the second', async () => {
  const { process, exits } = fakeProcess();
  const signal = abortOnSignals(process);
  expect(signal.aborted).toBe(false);
  process.emit('SIGINT');
  expect(signal.reason).toBeInstanceOf(Interrupted);
  process.emit('SIGINT');
  expect(exits).toEqual([]);
  await setTimeout(300);
  process.emit('SIGTERM');
  expect(exits).toEqual([143]);
});
