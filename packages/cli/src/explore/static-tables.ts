import { humanSize } from '../output/human.ts';
import { WASTE_WORDS } from '../output/layers/waste-lines.ts';
import { sanitizeText } from '../output/sanitize.ts';
import type { PageSummary } from './page-data.ts';

/** Layers and waste as plain tables: what mail previews and servers that forbid scripts show of a page. */
export function staticTables({ name, platform, layers, waste }: PageSummary): string {
  const total = layers.reduce((sum, { unpacked }) => sum + unpacked, 0);
  const rows = layers.map(({ unpacked, wasted, files, line, instruction, isOwn }, at) => [
    String(at + 1),
    humanSize(unpacked),
    humanSize(wasted),
    String(files),
    line === undefined ? '' : String(line),
    isOwn ? instruction : `(base) ${instruction}`,
  ]);
  const wasted = waste.map(({ bytes, kind, cause, files, advice }) => [
    humanSize(bytes),
    WASTE_WORDS[kind],
    String(cause + 1),
    String(files),
    advice,
  ]);
  return [
    `<h1>${escaped(name)}</h1>`,
    `<p>${escaped(platform)}, ${humanSize(total)} unpacked, ${layers.length} layers. Scripts are off: these are the numbers without the views.</p>`,
    table('Layers', ['#', 'Unpacked', 'Waste', 'Files', 'Line', 'Instruction'], rows),
    wasted.length === 0 ? '' : table('Waste', ['Bytes', 'Kind', 'Layer', 'Files', 'What to do'], wasted),
  ].join('\n');
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><caption>${caption}</caption><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text of an image in HTML: no markup, and nothing that reorders the text around it. */
export function escaped(text: string): string {
  return sanitizeText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
