// What a page does beyond showing itself: the search, and a choice between light and dark. Pages work without it.
'use strict';

const root = document.documentElement;
const THEME = 'tsbuild-theme';

/** Storage may be forbidden: the choice then lasts as long as the page. */
function remembered(value) {
  try {
    if (value === undefined) return localStorage.getItem(THEME);
    localStorage.setItem(THEME, value);
  } catch {
    // The scheme of the machine stays in force.
  }
  return null;
}

// Before the first paint, so that a page does not flash.
const theme = remembered();
if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;

function switchTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  remembered(root.dataset.theme);
}

const MOST = 30;
const AROUND = 70;
let loading;

/** Loads the index once, as a script: a page that was opened from a file cannot fetch. */
function loadIndex() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `${root.dataset.base}assets/search-index.js`;
    script.addEventListener('load', () => resolve(globalThis.tsbuildSearch));
    script.addEventListener('error', reject);
    document.head.append(script);
  });
  return loading;
}

/** How well a section answers: a heading counts more than its page, that more than the text; 0 when a word is nowhere. */
function score([, page, heading, text], words) {
  let sum = 0;
  for (const word of words) {
    const own = heading.toLowerCase();
    if (own === word) sum += 60;
    else if (own.includes(word)) sum += 30;
    else if (page.toLowerCase().includes(word)) sum += 12;
    else if (text.toLowerCase().includes(word)) sum += 4;
    else return 0;
  }
  return sum;
}

function search(index, words) {
  const rated = index.map((entry) => ({ entry, points: score(entry, words) })).filter(({ points }) => points > 0);
  return rated.toSorted((a, b) => b.points - a.points).map(({ entry }) => entry);
}

/** The text around the first word found, with the words marked; as nodes, so that no text can be markup. */
function excerpt(text, words) {
  const lower = text.toLowerCase();
  const at = Math.max(
    0,
    Math.min(...words.map((word) => lower.indexOf(word)).filter((place) => place >= 0), text.length),
  );
  const from = Math.max(0, at - AROUND);
  const piece = `${from > 0 ? '…' : ''}${text.slice(from, from + 2 * AROUND)}${text.length > from + 2 * AROUND ? '…' : ''}`;
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'i');
  return piece.split(pattern).map((part, i) => (i % 2 === 1 ? element('mark', {}, part) : part));
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resultItem([address, page, heading, text], words) {
  const link = element('a', { href: root.dataset.base + address }, element('b', {}, heading));
  if (page !== heading) link.append(element('small', {}, page));
  link.append(element('span', {}, ...excerpt(text, words)));
  return element('li', {}, link);
}

function startSearch() {
  const place = document.querySelector('search');
  const input = place.querySelector('input');
  const found = place.querySelector('#found');
  const status = found.querySelector('p');
  const list = found.querySelector('ol');
  place.hidden = false;

  const show = async () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.hidden = words.length === 0;
    if (words.length === 0) return;
    const index = await loadIndex();
    const results = search(index, words);
    const more = results.length > MOST ? `, the first ${MOST} shown` : '';
    status.textContent = results.length === 0 ? 'Nothing found' : `${results.length} found${more}`;
    list.replaceChildren(...results.slice(0, MOST).map((entry) => resultItem(entry, words)));
    found.scrollTop = 0;
  };
  const close = () => {
    found.hidden = true;
  };

  input.addEventListener('focus', () => void loadIndex());
  input.addEventListener('input', () => void show());
  place.addEventListener('keydown', (event) => {
    const links = [...list.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    if (event.key === 'Escape') {
      close();
      input.focus();
    } else if (event.key === 'ArrowDown') links[Math.min(at + 1, links.length - 1)]?.focus();
    else if (event.key === 'ArrowUp') (at > 0 ? links[at - 1] : input).focus();
    else if (event.key === 'Enter' && at < 0) links[0]?.click();
    else return;
    event.preventDefault();
  });
  place.addEventListener('focusout', (event) => {
    if (event.relatedTarget !== null && !place.contains(event.relatedTarget)) close();
  });
  list.addEventListener('click', close);
  document.addEventListener('pointerdown', (event) => {
    if (!place.contains(event.target)) close();
  });
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input, textarea, select') !== null;
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
}

document.addEventListener('DOMContentLoaded', () => {
  const button = document.querySelector('.theme');
  button.hidden = false;
  button.addEventListener('click', switchTheme);
  startSearch();
  // A link of the sheet may lead to the page that is open.
  const sidebar = document.querySelector('#sidebar');
  sidebar.addEventListener('click', (event) => {
    if (event.target.closest('a') !== null && sidebar.matches(':popover-open')) sidebar.hidePopover();
  });
  document.querySelector('#sidebar [aria-current]')?.scrollIntoView({ block: 'nearest' });
});
