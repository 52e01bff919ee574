import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findProgram } from '../../../oci/testing/docker-registry.ts';

/** The system's Chromium: playwright-core downloads none. */
const PROGRAM = process.env['CHROMIUM_PATH'] ?? findProgram('chromium');

/** Why tests in a browser are skipped, for their names; empty when they run. In CI nothing is skipped. */
export const NO_BROWSER = PROGRAM === undefined ? ' (skipped: chromium not installed)' : '';
export const SKIP_BROWSER = PROGRAM === undefined && process.env['CI'] !== 'true';

export function launch(): Promise<Browser> {
  // A sandbox needs rights that root in a container lacks; what is shown is our own page.
  return chromium.launch({
    ...(PROGRAM !== undefined && { executablePath: PROGRAM }),
    args: ['--no-sandbox', '--disable-gpu'],
  });
}

/** A page, and everything that should not happen on it. */
export interface Watched {
  readonly page: Page;
  /** Errors, violations of the policy, requests for anything but the page's own parts. */
  readonly faults: string[];
  close(): Promise<void>;
}

/** Opens a page and waits for its files. `own`: whether a request is the page's. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { readonly own?: (requested: string) => boolean } = {},
): Promise<Watched> {
  const { own = (requested: string) => requested === url.replace(/#.*/, ''), ...context } = options;
  const made = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...context,
  });
  const page = await made.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const requested = request.url().replace(/#.*/, '');
    if (!requested.startsWith('blob:') && !own(requested)) faults.push(`request: ${requested}`);
  });
  await page.exposeFunction('tsbuildViolation', (text: string) => void faults.push(`policy: ${text}`));
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
    tsbuildViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample);
  })`);
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.waitForSelector('html[data-ready]', { state: 'attached' });
  return { page, faults, close: () => made.close() };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is now: the rule, and where. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const found: unknown = await page.evaluate(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))`);
  return found as readonly string[];
}

/** Waits until something holds on the page. Not by playwright's own means, which the page's policy forbids: they evaluate texts. */
export async function until(page: Page, condition: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await page.evaluate(`Boolean(${condition})`)) === true) return;
    await page.waitForTimeout(50);
  }
  const status: unknown = await page.evaluate(`document.querySelector('.status')?.textContent`);
  throw new Error(`never became true: ${condition} (status: ${String(status)})`);
}
