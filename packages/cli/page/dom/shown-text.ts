import { element } from './element.ts';

/** What would be obeyed or not be seen: controls, marks that reorder text, characters of no width, ends of lines. */
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Variation_Selector}\p{Surrogate}\u{e0000}-\u{e007f}]/gu;
/** Bytes that are no UTF-8 stand as lone surrogates behind this, as in Python: no text has any. */
const BYTE = 0xdc00;

/** A byte string as text; bytes that are no UTF-8 as `\xff`, and what cannot be seen as `\u202e`. */
export function shownText(bytes: string): string {
  return visible(decoded(bytes));
}

/** Text of an image without anything that reorders or hides. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => escapeOf(character));
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const isByte = code >= BYTE + 0x80 && code <= BYTE + 0xff;
  if (isByte || code < 0x100) return `\\x${(code & 0xff).toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A name in an element of its own, so that its direction is its own; escapes stand out from text that looks like them. */
export function nameElement(bytes: string): HTMLElement {
  return textElement(decoded(bytes));
}

/** The same for what is text already. */
export function textElement(text: string): HTMLElement {
  const made = element('bdi', {});
  let at = 0;
  for (const match of text.matchAll(HIDDEN)) {
    made.append(text.slice(at, match.index), element('span', { class: 'escape' }, escapeOf(match[0])));
    at = match.index + match[0].length;
  }
  made.append(text.slice(at));
  return made;
}

/** UTF-8 where it is that. */
function decoded(bytes: string): string {
  if (!/[\u0080-\u00ff]/.test(bytes)) return bytes;
  const array = Uint8Array.from(bytes, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(array);
  } catch {
    return [...runs(array)].join('');
  }
}

/** Characters that are whole, and each byte that is none by itself. */
function* runs(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    try {
      yield decoder.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      yield String.fromCharCode(BYTE + first);
      at++;
    }
  }
}
