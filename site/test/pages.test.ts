import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../../fuzz/project.ts';
import { findProgram } from '../../packages/oci/testing/docker-registry.ts';
import { scratchFolders } from '../../packages/oci/testing/scratch.ts';
import { buildSite, PAGE_LIMIT, writeSite } from '../build-site.ts';
import { serveSite } from './site-server.ts';

const folder = scratchFolders();
const program = findProgram('chromium');
const note = program === undefined ? ' (skipped: chromium not installed)' : '';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const site = buildSite(PROJECT);
const pages = [...site.files.keys()].filter((address) => address.endsWith('.html'));
/** One of each kind of page: a front, tables, code, many headings, a part of a page, a file. */
const KINDS = [
  'index.html',
  'docs/dockerfile.html',
  'docs/library.html',
  'docs/errors.html',
  'docs/cli/images.html',
  'source/examples/ci/gitlab-ci.yml.html',
];

describe('the site', () => {
  it('has no problem, and pages that load at once', () => {
    expect(site.problems).toEqual([]);
    expect(pages.length).toBeGreaterThan(80);
    for (const address of pages.filter((page) => !page.startsWith('source/')))
      expect(Buffer.byteLength(site.files.get(address) ?? ''), address).toBeLessThan(PAGE_LIMIT);
  });

  it('asks for nothing from elsewhere, and names only files that it has', () => {
    for (const address of pages) {
      const html = site.files.get(address) ?? '';
      expect(html).toContain("default-src 'none'");
      expect(html, address).not.toMatch(/<(?:script|link|img)[^>]*(?:https?:)?\/\/|<style|<script>| (?:style|on\w+)="/);
      for (const [, to = ''] of html.matchAll(/<a [^>]*href="(?!https?:|mailto:|#)([^"#]*)/g)) {
        const path = new URL(to, `http://x/${address}`).pathname.slice(1);
        expect(site.files.has(decodeURI(path)), `${address}: ${to}`).toBe(true);
      }
    }
  });
});

const skipped = program === undefined && process.env['CI'] !== 'true';
describe.skipIf(skipped)(`in Chromium${note}`, () => {
  const directory = { path: '' };
  let browser: Browser;
  let server: Server;
  let base: string;
  beforeAll(async () => {
    directory.path = folder();
    writeSite(PROJECT, directory.path, site);
    ({ server, base } = await serveSite(directory.path, site, '/some/prefix/'));
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: program ?? 'chromium', args });
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  /** A page whose complaints, and requests to elsewhere, are kept. */
  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith('file:')) complaints.push(request.url());
    });
    return { page, complaints };
  }

  it('no page scrolls sideways or complains, below a prefix, at 320 and 1280 px', async () => {
    const { page, complaints } = await open();
    // In a frame, whose width changes without a question to the browser: a tenth of the time.
    await page.route(`${base}frame`, (route) => route.fulfill({ contentType: 'text/html', body: '<iframe></iframe>' }));
    await page.goto(`${base}frame`);
    const addresses = pages.filter((each) => !each.startsWith('source/') || KINDS.includes(each));
    const wide = await page.evaluate(async (all) => {
      const frame = document.querySelector('iframe');
      const found: string[] = [];
      for (const address of frame === null ? ['no frame'] : all) {
        const loaded = new Promise((done) => frame?.addEventListener('load', done, { once: true }));
        frame?.setAttribute('src', address);
        await loaded;
        for (const width of [320, 1280]) {
          frame?.setAttribute('style', `border: 0; width: ${width}px; height: 900px`);
          const actual = frame?.contentDocument?.documentElement.scrollWidth;
          if (actual !== width) found.push(`${address}: ${actual} at ${width}`);
        }
      }
      return found;
    }, addresses);
    expect(wide).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const { page } = await open({ colorScheme });
    for (const address of KINDS) {
      await page.goto(base + address);
      await page.setViewportSize({ width: address === 'index.html' ? 320 : 1280, height: 900 });
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
      expect(told, address).toEqual([]);
    }
    await page.context().close();
  });

  it.each(['file', 'server'])('the search finds a section, by the keyboard alone, from a %s', async (from) => {
    const { page, complaints } = await open();
    const start = from === 'file' ? `file://${directory.path}/` : base;
    await page.goto(`${start}docs/cli/images.html`);
    await page.keyboard.press('/');
    await page.keyboard.type('SANDBOX_UNAVAILABLE');
    await page.locator('#found a').first().waitFor();
    expect(await page.locator('#found mark').first().textContent()).toBeTruthy();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${start}docs/errors.html#sandbox_unavailable`);
    expect(await page.locator('#sandbox_unavailable').isVisible()).toBe(true);
    await page.locator('search input').fill('no such word anywhere');
    await page.getByText('Nothing found').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.locator('#found').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('text that looks like markup stays text in the results', async () => {
    const { page } = await open();
    await page.goto(`${base}index.html`);
    await page.locator('search input').fill('<host>');
    await page.locator('#found a').first().waitFor();
    expect(await page.locator('#found').innerHTML()).toContain('&lt;host&gt;');
    await page.context().close();
  });

  it('works without JavaScript: the pages open as a sheet, and there is no search', async () => {
    const { page } = await open({ javaScriptEnabled: false, viewport: { width: 320, height: 700 } });
    await page.goto(`${base}docs/build.html`);
    expect(await page.locator('search').isVisible()).toBe(false);
    expect(await page.locator('#sidebar').isVisible()).toBe(false);
    await page.locator('.menu').click();
    await page.getByRole('link', { name: 'The store', exact: true }).click();
    await page.waitForURL(`${base}docs/store.html`);
    await page.context().close();
  });

  it('keeps the choice of light or dark, and prints the text alone', async () => {
    const { page } = await open({ colorScheme: 'dark' });
    await page.goto(`${base}index.html`);
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await page.locator('.theme').click();
    const light = await paper();
    expect(light).not.toBe(dark);
    await page.goto(`${base}docs/build.html`);
    expect(await paper()).toBe(light);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('header').isVisible()).toBe(false);
    expect(await page.locator('#sidebar').isVisible()).toBe(false);
    expect(await page.locator('h1').isVisible()).toBe(true);
    await page.context().close();
  });
});
