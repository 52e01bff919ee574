#!/usr/bin/env node
// How fast a page of `tsbuild explore` is with many files: the time to the first numbers, to the tree, of a search, of an order.
//
//   node bench/explore-large.mjs [FILES] [--keep DIRECTORY]     500 000 files unless told; after `npm run build`
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const CLI = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

/** The header of a file of a tar archive, ustar. Every name fits. */
function header(name, size) {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'latin1');
  block.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  block.write(`${size.toString(8).padStart(11, '0')}\0${'14000000000'}\0        0`, 124, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Some 80 bytes, as deep as those of node_modules. */
function nameOf(i) {
  const area = String(Math.floor(i / 20_000)).padStart(3, '0');
  const group = String(Math.floor(i / 500)).padStart(4, '0');
  const module = `module-${Math.floor(i / 25)}`;
  return `srv/area-${area}/node_modules/group-${group}/${module}/lib/source-file-${i}.js`;
}

async function importImage(files, environment) {
  const program = spawn(process.execPath, [CLI, 'import', '-', 'large:1'], {
    env: environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(program, 'exit');
  for (let i = 0; i < files; i += 1000) {
    const blocks = [];
    for (let at = i; at < Math.min(files, i + 1000); at++) {
      const size = (at * 7919) % 500;
      blocks.push(header(nameOf(at), size));
      if (size > 0) blocks.push(Buffer.alloc(512, at % 256));
    }
    if (!program.stdin.write(Buffer.concat(blocks))) await once(program.stdin, 'drain');
  }
  program.stdin.end(Buffer.alloc(1024));
  const [code] = await ended;
  if (code !== 0) throw new Error('tsbuild import failed');
}

/** Milliseconds until a text of the page matches. */
async function until(page, selector, pattern) {
  const start = performance.now();
  while (!pattern.test((await page.locator(selector).first().textContent()) ?? '')) await page.waitForTimeout(5);
  return performance.now() - start;
}

async function measure(file) {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const start = performance.now();
  await page.goto(`${pathToFileURL(file).href}#/files`, { waitUntil: 'commit' });
  await page.waitForSelector('header h1');
  const numbers = performance.now() - start;
  await page.waitForSelector('.tree .row');
  const tree = performance.now() - start;
  await page.fill('.search', 'source-file-4242');
  const search = await until(page, '.status', /match/);
  await page.fill('.search', '');
  await until(page, '.status', /files$/);
  await page.selectOption('select[aria-label="Sort by"]', 'name');
  const order = await until(page, '.row .name', /srv/);
  await page.focus('.tree');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  const opened = await until(page, '.row:nth-child(2) .name', /area/);
  const heap = await page.evaluate('performance.memory.usedJSHeapSize');
  await browser.close();
  return { numbers, tree, search, order, opened, heap };
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { keep: { type: 'string' } } });
const files = Number(positionals[0] ?? 500_000);
if (values.keep !== undefined) mkdirSync(values.keep, { recursive: true });
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'tsbuild-explore-large-'));
try {
  const environment = { ...process.env, TSBUILD_ROOT: join(folder, 'store') };
  await importImage(files, environment);
  const file = join(folder, 'large.html');
  const start = performance.now();
  execFileSync(process.execPath, [CLI, 'explore', '-o', file, 'large:1'], { env: environment, stdio: 'inherit' });
  const made = performance.now() - start;
  const { numbers, tree, search, order, opened, heap } = await measure(file);
  const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
  console.log(`${files} files, page of ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  console.log(`  made in                  ${seconds(made)}`);
  console.log(`  first numbers after      ${seconds(numbers)}`);
  console.log(`  tree after               ${seconds(tree)}`);
  console.log(`  search                   ${seconds(search)}`);
  console.log(`  another order            ${seconds(order)}`);
  console.log(`  a directory opened       ${seconds(opened)}`);
  console.log(`  memory of the page       ${(heap / 1e6).toFixed(1)} MB`);
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
