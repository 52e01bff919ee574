#!/usr/bin/env node
// The quick loop while working: format, lint and types beside the unit tests of the pure rooms (no root, no engine, no network).
// The whole gate is `npm run ok`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
const STEPS = [
  ['format:check', ['npm', 'run', '--silent', 'format:check']],
  ['lint', ['npm', 'run', '--silent', 'lint']],
  ['types', ['npm', 'run', '--silent', 'types']],
  ['pure tests', ['npx', 'vitest', 'run', '--project', '*-pure']],
];

/** Runs one step; its output is shown only when it fails. */
function run([name, [command, ...args]]) {
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: PROJECT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
    child.once('error', (error) => resolve({ status: 1, text: error.message }));
    child.once('close', (status) => resolve({ status, text }));
  }).then(({ status, text }) => {
    console.log(
      `${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${((performance.now() - start) / 1000).toFixed(1)} s`,
    );
    // A check that passes may have left something out.
    if (status !== 0 || / is missing: /.test(text)) console.log(text);
    return status === 0;
  });
}

const start = performance.now();
const [first, ...others] = STEPS.toReversed();
// The tests are as long as all the other steps together: they have one of two processors to themselves.
const inTurn = async (steps) => {
  let passed = true;
  for (const step of steps) passed = (await run(step)) && passed;
  return passed;
};
const results = await Promise.all([run(first), inTurn(others.toReversed())]);
console.log(`${results.every(Boolean) ? 'ok' : 'FAILED'} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
process.exitCode = results.every(Boolean) ? 0 : 1;
