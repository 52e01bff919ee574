import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BUNDLER = fileURLToPath(new URL('../../../scripts/bundle.mjs', import.meta.url));

/** Bundles the command from its sources into `folder`, so that plain Node can start it. @returns the file to start */
export async function bundleCommand(folder: string): Promise<string> {
  await promisify(execFile)(process.execPath, [BUNDLER, folder]);
  return join(folder, 'main.js');
}
