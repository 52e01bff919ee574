#!/usr/bin/env node
// Lets shellcheck judge every shell program of the sources. Part of `npm run lint`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

const programs = readdirSync(PACKAGES).flatMap((name) =>
  readdirSync(join(PACKAGES, name, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.sh'))
    .map((file) => join(name, 'src', file)),
);
if (programs.length === 0) throw new Error('there are no shell programs: the search is wrong');
const { error, status } = spawnSync('shellcheck', programs, { cwd: PACKAGES, stdio: 'inherit' });
if (error?.code === 'ENOENT') {
  console.error(
    `shellcheck is missing: ${programs.length} shell programs were not checked. Install it (Debian: apt-get install shellcheck).`,
  );
  if (process.env.CI === 'true') process.exitCode = 1;
} else if (error !== undefined) throw error;
else process.exitCode = status ?? 1;
