#!/usr/bin/env node
// Checks the packages as those get them who install them: packs all three, looks into the tarballs, installs the libraries and
// uses them, and installs the command and looks at its size. Needs no network: what the packages depend on is taken from
// node_modules.
//
//   node scripts/check-packages.mjs
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSize, installCommand, startTimes } from './packages/command.mjs';
import { checkContents } from './packages/contents.mjs';
import { installLibraries, libraryChecks } from './packages/libraries.mjs';
import { manifestFaults } from './packages/manifests.mjs';
import { PACKAGES, packAll } from './packages/pack.mjs';
import { PROJECT } from './packages/run.mjs';

/** Runs one check, and tells how it ended and what it found. */
function check(name, work) {
  try {
    const found = work();
    console.log(`ok     ${name}${found === undefined ? '' : `: ${found}`}`);
  } catch (error) {
    console.log(`FAILED ${name}\n${error.message}`);
    process.exitCode = 1;
  }
}

function checkManifests() {
  const faults = manifestFaults(PROJECT);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

const directory = mkdtempSync(join(tmpdir(), 'check-packages-'));
try {
  const [tarballs, work] = ['tarballs', 'work'].map((name) => join(directory, name));
  mkdirSync(tarballs);
  mkdirSync(work);
  const packed = packAll(tarballs, work);
  check('package.json files', checkManifests);
  for (const name of PACKAGES) check(`files of ${packed[name].name}`, () => checkContents(name, packed[name].files));
  const consumer = installLibraries(directory, packed);
  for (const [name, use] of libraryChecks(consumer, packed)) check(name, use);
  const prefix = installCommand(directory, packed);
  check('size of the command', () => checkSize(prefix, packed.cli));
  check('starts of the command', () => startTimes(prefix));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
