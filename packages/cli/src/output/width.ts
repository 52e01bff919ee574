// Blocks of East Asian wide and emoji characters (Unicode TR 11, coarse), and marks that take no column.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const NARROW = /^[\x20-\x7e]*$/;
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u;

function characterWidth(character: string): number {
  if (WIDE.test(character)) return 2;
  return NONE.test(character) ? 0 : 1;
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
