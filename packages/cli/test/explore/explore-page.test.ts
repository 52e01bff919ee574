import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageProgram } from '../../src/explore/page-program.ts';
import { type PageParts, pageParts } from '../../src/explore/page-html.ts';
import { servePage } from '../../src/explore/serve-page.ts';
import { tsbuild } from '../testing-host.ts';
import { accessibilityFaults, launch, NO_BROWSER, open, SKIP_BROWSER, until } from './browser.ts';
import { addLargeImage, buildSamples, HOSTILE_NAMES } from './sample-page.ts';

const VIEWS = ['overview', 'files', 'map', 'waste', 'build', 'compare', 'config'];
/** Files of the short form of the proof with half a million (bench/explore-large.mjs). */
const MANY = 20_000;

let folder: string;
let root: string;
const page = (name: string): string => join(folder, name);
const url = (name: string): string => pathToFileURL(page(name)).href;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-explore-'));
  root = join(folder, 'store');
  await buildSamples(root, join(folder, 'context'));
  const explored = await tsbuild(['explore', '--compare', 'base:1', '-o', page('app.html'), 'app:1'], { root });
  if (explored.code !== 0) throw new Error(explored.stderr);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the page as a file', () => {
  it('is small', async () => {
    const { script, style } = pageProgram();
    expect(script.length).toBeLessThanOrEqual(60_000);
    expect(style.length).toBeLessThanOrEqual(16_000);
  });

  it('holds no name of the image as it is, and no secret', async () => {
    const text = await readFile(page('app.html'), 'latin1');
    expect(text).not.toContain('<img');
    expect(text.match(/<script/g)).toHaveLength(3);
    const summary = /id="summary">([^<]*)</.exec(text)?.[1] ?? '';
    const decoded = Buffer.from(summary, 'base64').toString();
    expect(decoded).toContain('API_TOKEN');
    expect(decoded + text).not.toContain('hunter2');
  });

  it('goes to a directory in parts, without a script in the page', async () => {
    expect(await tsbuild(['explore', '-o', `${page('parts')}/`, 'app:1'], { root })).toMatchObject({ code: 0 });
    expect((await readdir(page('parts'))).toSorted()).toEqual(['data.js', 'index.html', 'page.css', 'page.js']);
    const html = await readFile(join(page('parts'), 'index.html'), 'utf8');
    expect(html).toContain("script-src 'self'");
    expect(html).not.toMatch(/<script(?! src)|<style|style=/);
  });

  it('needs a place', async () => {
    const nowhere = await tsbuild(['explore', 'app:1'], { root });
    expect(nowhere).toMatchObject({ code: 2, stdout: '' });
    expect(nowhere.stderr).toContain('-o page.html, -o DIR/, or --serve');
    expect((await tsbuild(['explore', '--serve=99999', 'app:1'], { root })).stderr).toContain('is no port');
    expect((await tsbuild(['explore', '--serve', '-o', 'x', 'app:1'], { root })).code).toBe(2);
  });
});

/** The status of a request as anybody could make it. */
function statusOf(
  address: string,
  options: { readonly method?: string; readonly host?: string } = {},
): Promise<number> {
  const headers = options.host === undefined ? {} : { host: options.host };
  return new Promise((done, failed) => {
    request(address, { method: options.method ?? 'GET', headers }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    })
      .on('error', failed)
      .end();
  });
}

describe('the page as served', () => {
  it('answers those alone who know its address', async () => {
    const content = { title: 't', summary: '', entries: '', tables: '' };
    await using served = await servePage(pageParts(content, pageProgram()), 0);
    const { origin, port } = new URL(served.url);
    expect(await statusOf(served.url)).toBe(200);
    expect(await statusOf(`${served.url}data.js`)).toBe(200);
    expect(await statusOf(origin)).toBe(404);
    expect(await statusOf(`${origin}/${'0'.repeat(32)}/`)).toBe(404);
    expect(await statusOf(`${served.url}../index.html`)).toBe(404);
    expect(await statusOf(`${served.url}constructor`)).toBe(404);
    expect(await statusOf(served.url, { method: 'POST' })).toBe(405);
    expect(await statusOf(served.url, { host: `attacker.example:${port}` })).toBe(421);
    expect(await statusOf(served.url, { host: `localhost:${port}` })).toBe(421);
    const { headers } = await fetch(served.url);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('ends with Ctrl-C', async () => {
    const stop = new AbortController();
    const running = tsbuild(['explore', '--serve', 'app:1'], { root, signal: stop.signal });
    setTimeout(() => stop.abort(), 1500);
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/\n$/);
  });
});

describe.skipIf(SKIP_BROWSER)(`in Chromium${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  it.each(['light', 'dark'] as const)(
    'every view opens, breaks no rule and is accessible (%s)',
    async (colorScheme) => {
      const { page: shown, faults, close } = await open(browser, url('app.html'), { colorScheme });
      const wrong: string[] = [];
      for (const view of VIEWS) {
        await shown.keyboard.press(String(VIEWS.indexOf(view) + 1));
        await shown.waitForSelector(`nav a[href="#/${view}"][aria-current]`);
        await shown.waitForTimeout(100);
        for (const fault of await accessibilityFaults(shown)) wrong.push(`${view}: ${fault}`);
      }
      await close();
      expect(wrong).toEqual([]);
      expect(faults).toEqual([]);
    },
  );

  it('shows hostile names as text and obeys none', async () => {
    const {
      page: shown,
      faults,
      close,
    } = await open(browser, `${url('app.html')}#/files?path=/app/hostile/line%0Afeed`);
    await shown.waitForSelector('.details h3');
    const names = await shown.locator('.row .name').allInnerTexts();
    const text = names.join('\n');
    for (const seen of [
      'line\\x0afeed',
      'gpj.\\u202eexe',
      '\\u2066hidden\\u200b\\u2069',
      '\\x1b[2J',
      '\\xff\\xfe\\x80bytes',
      '<img src=x',
      '\u{1f600} face',
    ])
      expect(text).toContain(seen);
    expect(names.length).toBeGreaterThan(HOSTILE_NAMES.length);
    for (const view of VIEWS) {
      await shown.evaluate(`location.hash = '#/${view}'`);
      await shown.waitForTimeout(60);
      expect(await shown.locator('main img, main svg[onload], main script').count()).toBe(0);
    }
    expect(faults).toEqual([]);
    await close();
  });

  it('can be used by keys alone', async () => {
    const { page: shown, faults, close } = await open(browser, url('app.html'));
    const { keyboard } = shown;
    const active = (): Promise<string | null> =>
      shown.evaluate(
        `document.getElementById(document.querySelector('.tree').getAttribute('aria-activedescendant'))?.textContent`,
      );
    await keyboard.press('/');
    await until(shown, `document.activeElement.type === 'search'`);
    await keyboard.type('two.js');
    await until(shown, `/matches$/.test(document.querySelector('.status').textContent)`);
    expect(await shown.locator('.row .name').allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining('two.js')]),
    );
    await keyboard.press('Escape');
    await until(shown, `/files$/.test(document.querySelector('.status').textContent)`);
    await shown.focus('.tree');
    await keyboard.press('Home');
    await keyboard.press('u');
    await until(shown, `/usr/.test(document.querySelector('.row.active .name').textContent)`);
    await keyboard.press('ArrowRight');
    await until(shown, `document.querySelector('.row.active').ariaExpanded === 'true'`);
    await keyboard.press('ArrowDown');
    await until(shown, `/lib/.test(document.querySelector('.row.active .name').textContent)`);
    await until(shown, `document.querySelector('.details h3').textContent === '/usr/lib'`);
    expect(await active()).toMatch(/lib\/60kB1 files.*layer 1$/);
    expect(shown.url()).toContain('path=/usr/lib');
    await keyboard.press('ArrowLeft');
    await keyboard.press('ArrowLeft');
    await until(shown, `/usr/.test(document.querySelector('.row.active .name').textContent)`);
    await keyboard.press('?');
    await shown.waitForSelector('dialog[open]');
    await keyboard.press('Escape');
    await keyboard.press('3');
    await shown.waitForSelector('canvas.map');
    expect(faults).toEqual([]);
    await close();
  });

  it('says the same of waste as tsbuild layers', async () => {
    const { waste } = JSON.parse((await tsbuild(['layers', '--format', 'json', 'app:1'], { root })).stdout) as {
      waste: { bytes: number; isOwn: boolean; kind: string }[];
    };
    const { page: shown, close } = await open(browser, `${url('app.html')}#/waste`);
    const kinds = await shown.locator('.finding h2').allInnerTexts();
    const own = new Set(waste.filter(({ isOwn }) => isOwn).map(({ kind }) => kind));
    expect(kinds.join()).toMatch(/Duplicated · line 6/);
    expect(kinds.join()).toMatch(/Attributes only · line 5/);
    expect(new Set(kinds.map((text) => text.split(' ')[0])).size).toBe(own.size);
    await close();
  });

  it('works as parts, and as served', async () => {
    const parts = `${pathToFileURL(page('parts')).href}/index.html`;
    const beside = await open(browser, parts, { own: (text) => text.startsWith(pathToFileURL(page('parts')).href) });
    expect(await beside.page.locator('h1').innerText()).toBe('app:1');
    expect(beside.faults).toEqual([]);
    await beside.close();
    const names = ['index.html', 'page.js', 'page.css', 'data.js'] as const;
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join(page('parts'), name), 'utf8')]),
    );
    await using served = await servePage(Object.fromEntries(texts) as PageParts, 0);
    const seen = await open(browser, served.url, { own: (text) => text.startsWith(served.url) });
    expect(await seen.page.locator('h1').innerText()).toBe('app:1');
    // Browsers ask for an icon by themselves.
    expect(seen.faults.filter((fault) => !fault.includes('favicon'))).toEqual([]);
    await seen.close();
  });

  it('shows its numbers without scripts', async () => {
    const { page: shown, close } = await open(browser, url('app.html'), { javaScriptEnabled: false });
    const text = await shown.locator('#tables').innerText();
    expect(text).toContain('app:1');
    expect(text).toMatch(/attributes only/);
    expect(await shown.locator('#tables img').count()).toBe(0);
    await close();
  });

  it(`opens ${MANY} files`, async () => {
    await addLargeImage(root, 'large:1', MANY);
    await tsbuild(['explore', '-o', page('large.html'), 'large:1'], { root });
    const { page: shown, faults, close } = await open(browser, `${url('large.html')}#/files?search=file-19999`);
    await until(shown, `/1 match$/.test(document.querySelector('.status').textContent)`);
    expect(await shown.locator('.row').count()).toBeLessThan(200);
    expect(faults).toEqual([]);
    await close();
  });
});
