#!/usr/bin/env node
// The first thing to try: sets everything up, builds fixtures/node-app into my-app.tar and, where a Docker engine answers, runs it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const CONTAINER = `tsbuild-demo-${process.pid}`;

class DemoError extends Error {}

/** Runs a command where the user can see it. */
function show(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: PROJECT, stdio: 'inherit' });
  if (status !== 0) throw new DemoError(`${[command, ...args].join(' ')} failed`);
}
const script = (path, ...args) => show(process.execPath, join(PROJECT, path), ...args);
const docker = (...args) => spawnSync('docker', args, { cwd: PROJECT, encoding: 'utf8', timeout: 120_000 });

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function fetchPage(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      const response = await fetch(url);
      if (response.ok) return await response.text();
    } catch {
      // The server has not started yet.
    }
    await sleep(100);
  }
  throw new DemoError(`${url} does not answer.\n${docker('logs', CONTAINER).stderr}`);
}

async function runOnEngine() {
  const engine = docker('version', '--format', '{{.Server.Version}}');
  if (engine.status !== 0) {
    console.log('\nNo Docker engine answers here. Where one does:\n');
    console.log('    docker load -i my-app.tar && docker run -d --network host my-app && curl http://localhost/');
    return;
  }
  console.log(`\nA Docker engine answers (${engine.stdout.trim()}):`);
  show('docker', 'load', '-i', 'my-app.tar');
  const port = await freePort();
  const started = docker('run', '-d', '--name', CONTAINER, '--network', 'host', '-e', `PORT=${port}`, 'my-app');
  try {
    if (started.status !== 0) throw new DemoError(started.stderr);
    console.log(await fetchPage(`http://127.0.0.1:${port}/`));
  } finally {
    docker('rm', '-f', CONTAINER);
  }
}

try {
  script('scripts/setup.mjs', '--for', 'demo');
  if (!existsSync(join(PROJECT, 'packages/cli/dist/main.js')))
    throw new DemoError('packages/cli/dist/main.js was not built.');
  console.log(
    "So that this needs no registry, node:18-alpine is a local stand-in here, made of this machine's own node.",
  );
  script('fixtures/bases/load.mjs', '--only', 'node');
  script('packages/cli/dist/main.js', 'build', '-t', 'my-app', '-o', 'my-app.tar', 'fixtures/node-app');
  await runOnEngine();
} catch (error) {
  console.error(error instanceof DemoError ? error.message : error);
  process.exitCode = 1;
}
