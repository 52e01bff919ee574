#!/usr/bin/env node
// The gate: format, lint, types, dead code, build, every test. The last line is `N passed, N failed`; a failed check counts as one.
//
// The base images of the end-to-end tests are made beside the checks, and checks run two at a time.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slowestFiles, timeByProject } from './test-times.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const REPORT = join(PROJECT, '.tsbuild/test-report.json');
/** Two lanes of checks. `packages` packs what `build` has built, so they share a lane. */
const LANES = [
  ['build', 'packages'],
  ['format:check', 'lint', 'types', 'dead'],
];
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs a program to its end: its exit code and all that it printed. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: PROJECT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
    child.once('error', (error) => resolve({ status: 1, text: error.message }));
    child.once('close', (status) => resolve({ status, text }));
  });
}

/** Runs one npm script; its output is shown only when it fails. */
async function check(name) {
  const start = performance.now();
  const { status, text } = await run('npm', ['run', '--silent', name]);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${seconds(start)}`);
  // A check that passes may have left something out.
  if (status !== 0 || / is missing: /.test(text)) console.log(text);
  return status === 0;
}

async function runLane(names) {
  const failed = [];
  for (const name of names) if (!(await check(name))) failed.push(name);
  return failed;
}

/** Makes the base images, which the tests' own set-up then finds. What goes wrong here is told there. */
async function makeBases() {
  const start = performance.now();
  const debian = process.env.CI === 'true' ? ',debian' : '';
  const only = `busybox,alpine,node${debian}`;
  const { status } = await run(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', only]);
  if (status === 0) console.log(`ok     ${'base images'.padEnd(14)} ${seconds(start)}`);
}

/** Runs vitest; the counts come from its own report, never from its text. */
function runTests() {
  rmSync(REPORT, { force: true });
  mkdirSync(join(PROJECT, '.tsbuild'), { recursive: true });
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
  const { status } = spawnSync(join(PROJECT, 'node_modules/.bin/vitest'), args, {
    cwd: PROJECT,
    env,
    stdio: 'inherit',
  });
  try {
    return { ...readReport(JSON.parse(readFileSync(REPORT, 'utf8'))), clean: status === 0 };
  } catch {
    return { passed: 0, failed: 0, skipped: [], times: [], clean: false };
  }
}

function readReport(report) {
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'pending' || test.status === 'skipped')
      .map((test) => `${relative(PROJECT, file.name)}: ${test.fullName}`),
  );
  // A file that does not load fails as a whole, with no test of its own that failed.
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const times = report.testResults.map((file) => ({
    file: relative(PROJECT, file.name),
    milliseconds: file.endTime - file.startTime,
  }));
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length, skipped, times };
}

const start = performance.now();
const [failedLanes] = await Promise.all([Promise.all(LANES.map(runLane)), makeBases()]);
const failedChecks = failedLanes.flat();
const checksTook = seconds(start);
const testStart = performance.now();
const tests = runTests();
if (tests.skipped.length > 0) console.log(`${tests.skipped.length} skipped:\n  ${tests.skipped.join('\n  ')}`);
console.log(`The slowest test files:\n${slowestFiles(tests.times, 20)}`);
console.log(`Where the time went: checks ${checksTook}, tests ${seconds(testStart)}\n${timeByProject(tests.times)}`);
if (failedChecks.length > 0) console.log(`failed checks: ${failedChecks.join(', ')}`);
// An error outside of every test fails the run without failing a test.
const outside = !tests.clean && tests.failed === 0 ? 1 : 0;
const failed = tests.failed + failedChecks.length + outside;
console.log(`${tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
