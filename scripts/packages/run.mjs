import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The path of a program that a development dependency brings. */
export const program = (name) => join(PROJECT, 'node_modules/.bin', name);

/**
 * Runs a program and returns its output; its failure carries all that it said.
 * @param {string} cwd
 * @param {string} command
 * @param {...string} args
 */
export function run(cwd, command, ...args) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
    throw new Error(`${basename(command)} ${args.join(' ')}\n${said || error.message}`, { cause: error });
  }
}

/** Of npm: nothing from the network, and nothing of packages is run. */
export const OFFLINE = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts', '--no-update-notifier'];
