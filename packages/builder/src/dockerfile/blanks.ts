/** Unicode's white space as Go has it: unlike JavaScript's, with U+0085 and without the byte order mark. */
const BLANK = /^(?:[^\S\uFEFF]|\u0085)$/u;

/** Whether a character is white space. */
export function isBlank(char: string | undefined): boolean {
  if (char === undefined || (char > ' ' && char < '\u007f')) return false; // the common case, without a regular expression
  return BLANK.test(char);
}

/** The text without white space at its beginning. */
export function trimStart(text: string): string {
  let start = 0;
  while (isBlank(text[start])) start += 1;
  return text.slice(start);
}

/** The text without white space at both ends. */
export function trim(text: string): string {
  let end = text.length;
  while (isBlank(text[end - 1])) end -= 1;
  return trimStart(text.slice(0, end));
}
