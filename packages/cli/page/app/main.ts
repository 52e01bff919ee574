import { pageSource } from '../data/page-source.ts';
import { WorkerClient } from '../data/worker-client.ts';
import { buildView } from '../views/build/build-view.ts';
import { compareView } from '../views/compare-view.ts';
import { configView } from '../views/config-view.ts';
import { filesView } from '../views/files/files-view.ts';
import { mapView } from '../views/map-view.ts';
import { overview } from '../views/overview.ts';
import { wasteView } from '../views/waste-view.ts';
import { fragmentOf, parseFragment } from './fragment.ts';
import type { Page, View, ViewEntry } from './page.ts';
import { shell } from './shell.ts';

const VIEWS: readonly ViewEntry[] = [
  { name: 'overview', title: 'Overview', make: overview },
  { name: 'files', title: 'Layers & files', make: filesView },
  { name: 'map', title: 'Map', make: mapView },
  { name: 'waste', title: 'Waste', make: wasteView },
  { name: 'build', title: 'Build', make: buildView },
  { name: 'compare', title: 'Compare', make: compareView },
  { name: 'config', title: 'Config', make: configView },
];

/** Shows what the address says, and follows it. The numbers come at once, the files when the worker has them. */
function start(): void {
  const { summary, entries } = pageSource();
  const worker = new WorkerClient();
  const own = summary.layers.map(({ isOwn }) => isOwn);
  const ready = worker.ask('load', { base64: entries, own });
  const frame = shell(summary, VIEWS);
  const page: Page = {
    summary,
    worker,
    ready,
    say: frame.say,
    go(view, values, quietly = false) {
      const fragment = fragmentOf(view, values);
      if (quietly) history.replaceState(undefined, '', fragment);
      else location.hash = fragment;
    },
  };
  ready.then(
    ({ entries: count }) => {
      document.documentElement.dataset['ready'] = String(count);
    },
    (error: Error) => frame.say(`The files cannot be read: ${error.message}`),
  );
  const made = new Map<string, View>();
  let current: View | undefined;
  const show = (): void => {
    const { view: wanted, values } = parseFragment(location.hash);
    const entry = VIEWS.find(({ name }) => name === wanted) ?? VIEWS[0];
    if (entry === undefined) return;
    const view = made.get(entry.name) ?? entry.make(page);
    made.set(entry.name, view);
    if (view !== current) frame.main.replaceChildren(view.element);
    current = view;
    frame.mark(entry.name);
    view.show(values);
  };
  addEventListener('hashchange', show);
  addEventListener('keydown', (event) => key(event, frame.help, () => current, page));
  show();
}

/** Keys of the whole page; what is typed into a field is the field's. */
function key(event: KeyboardEvent, help: HTMLDialogElement, current: () => View | undefined, page: Page): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  if (target instanceof HTMLInputElement && target.type === 'search') {
    if (event.key !== 'Escape') return;
    target.value = '';
    target.dispatchEvent(new Event('input'));
    return;
  }
  if (target instanceof HTMLSelectElement) return;
  const view = VIEWS[Number(event.key) - 1];
  if (/^[1-7]$/.test(event.key) && view !== undefined) page.go(view.name);
  else if (event.key === '?') help.showModal();
  else if (event.key === '/') toSearch(current, page);
  else return;
  event.preventDefault();
}

function toSearch(current: () => View | undefined, page: Page): void {
  if (current()?.search === undefined) {
    page.go('files');
    addEventListener('hashchange', () => current()?.search?.focus(), { once: true });
  } else current()?.search?.focus();
}

start();
