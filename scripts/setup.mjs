#!/usr/bin/env node
// Makes a fresh clone on a fresh machine ready: Debian packages (as root), npm packages, the build. Says nothing when all is there.
//
//   node scripts/setup.mjs [--for demo|tests]
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { canInstall, installPackages, missingOf, PURPOSES } from './machine.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];

class SetupError extends Error {}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(`This is node ${process.versions.node}; tsbuild needs node ${OLDEST_NODE.join('.')} or later.`);
}

function checkMachine(purpose) {
  if (process.platform !== 'linux')
    throw new SetupError(`This is ${process.platform}; images are built by namespaces of Linux.`);
  const { needed, wanted } = PURPOSES[purpose];
  let missing = missingOf([...needed, ...wanted]);
  if (missing.length > 0 && canInstall()) {
    const packages = [...new Set(missing.map((tool) => tool.packageName))];
    console.log(`installing Debian packages: ${packages.join(' ')}`);
    tryToInstall(packages);
    missing = missingOf([...needed, ...wanted]);
    const later = missing.flatMap((tool) => tool.laterPackageName ?? []);
    if (later.length > 0) tryToInstall(later);
    missing = missingOf([...needed, ...wanted]);
  }
  if (missing.length === 0) return;
  const list = missing.map((tool) => `  ${tool.name}, for ${tool.use}`).join('\n');
  const packages = [...new Set(missing.map((tool) => tool.packageName))].join(' ');
  const advice = `On Debian or Ubuntu: sudo apt-get install ${packages}`;
  const text = `This machine lacks:\n${list}\n${advice}`;
  if (missing.some((tool) => needed.includes(tool))) throw new SetupError(text);
  console.error(text);
}

function tryToInstall(packages) {
  try {
    installPackages(packages);
  } catch (error) {
    console.error(String(error.stderr ?? error.message).trim());
  }
}

/** Runs a step and keeps its output to itself unless it fails. */
function step(command, ...args) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  const result = spawnSync(command, args, { cwd: PROJECT, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0)
    throw new SetupError(`${result.stdout ?? ''}${result.stderr ?? ''}\n${[command, ...args].join(' ')} failed`);
}

const changedAt = (path) => (existsSync(join(PROJECT, path)) ? statSync(join(PROJECT, path)).mtimeMs : undefined);

function installModules() {
  const installed = changedAt('node_modules/.package-lock.json');
  if (installed !== undefined && installed >= (changedAt('package-lock.json') ?? 0)) return;
  console.log('installing npm packages');
  step('npm', 'ci', '--no-audit', '--no-fund');
}

try {
  const { values } = parseArgs({ options: { for: { type: 'string', default: 'demo' } } });
  if (!Object.hasOwn(PURPOSES, values.for))
    throw new SetupError(`--for ${values.for}: there are ${Object.keys(PURPOSES).join(' and ')}.`);
  checkNode();
  checkMachine(values.for);
  installModules();
  // The demonstration needs the command only; everything else is for those who work on the project.
  if (values.for === 'demo') step(process.execPath, 'scripts/bundle.mjs');
  else step('npm', 'run', '--silent', 'build');
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}
