import { humanSize } from '../../src/output/human.ts';
import type { PageSummary } from '../../src/explore/page-data.ts';
import { element } from '../dom/element.ts';
import { textElement } from '../dom/shown-text.ts';
import { fragmentOf } from './fragment.ts';
import { helpDialog } from './help.ts';
import type { ViewEntry } from './page.ts';

/** What is around every view: the image's name, the views, help, and a voice for those who listen. */
export function shell(summary: PageSummary, views: readonly ViewEntry[]) {
  const { name, platform, layers } = summary;
  const total = layers.reduce((sum, { unpacked }) => sum + unpacked, 0);
  const links = new Map(
    views.map(({ name: view, title }, i) => [
      view,
      element('a', { href: fragmentOf(view), title: `key ${i + 1}` }, title),
    ]),
  );
  const help = helpDialog();
  const voice = element('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const main = element('main', { tabindex: -1 });
  const top = element(
    'header',
    {},
    element(
      'div',
      { class: 'title' },
      element('h1', {}, textElement(name)),
      element('span', { class: 'muted' }, `${platform} · ${humanSize(total)} · ${layers.length} layers`),
    ),
    element('nav', { 'aria-label': 'Views', class: 'views' }, ...links.values()),
    element('button', { type: 'button', class: 'help', 'aria-label': 'Keys', onclick: () => help.showModal() }, '?'),
  );
  document.body.replaceChildren(top, main, help, voice);
  return {
    main,
    help,
    say: (text: string): void => void (voice.textContent = text),
    mark(view: string): void {
      for (const [known, link] of links) {
        if (known === view) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
      }
    },
  };
}
