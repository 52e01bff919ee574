#!/usr/bin/env node
// The gate: format, lint, types, dead code, build, every test. The last line is `N passed, N failed`; a failed check counts as one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const REPORT = join(PROJECT, '.tsbuild/test-report.json');
const CHECKS = ['format:check', 'lint', 'types', 'dead', 'build', 'packages'];
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };

/** Runs one npm script; its output is shown only when it fails. */
function check(name) {
  const start = performance.now();
  const result = spawnSync('npm', ['run', '--silent', name], {
    cwd: PROJECT,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const passed = result.status === 0;
  console.log(
    `${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
  if (!passed) console.log(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  return passed;
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
    return { passed: 0, failed: 0, skipped: [], clean: false };
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
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length, skipped };
}

const failedChecks = CHECKS.filter((name) => !check(name));
const tests = runTests();
if (tests.skipped.length > 0) console.log(`${tests.skipped.length} skipped:\n  ${tests.skipped.join('\n  ')}`);
if (failedChecks.length > 0) console.log(`failed checks: ${failedChecks.join(', ')}`);
// An error outside of every test fails the run without failing a test.
const outside = !tests.clean && tests.failed === 0 ? 1 : 0;
const failed = tests.failed + failedChecks.length + outside;
console.log(`${tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
