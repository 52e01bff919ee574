import { eastAsianWidth } from 'get-east-asian-width';

const NARROW = /^[\x20-\x7e]*$/;
/** Marks that take no column. */
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u;

function characterWidth(character: string): number {
  return NONE.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}

/** The columns that clean text takes on a terminal. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The beginning of `text` that fits into `columns`, with an ellipsis when something was cut. */
export function fit(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  let out = '';
  let width = 0;
  for (const character of text) {
    const next = width + characterWidth(character);
    if (next > columns - 1) break;
    out += character;
    width = next;
  }
  return `${out}…`;
}
