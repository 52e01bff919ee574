// ECMA-48: CSI sequences; the string sequences OSC, DCS, PM, APC and SOS up to their terminator (or the end); other escapes.
const ESCAPES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?/g;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
/**
 * Marks that reorder the text around them, so that a log could show what it does not say (CVE-2021-42574), and Unicode's own
 * line ends, which some terminals and viewers obey.
 */
const REORDERING = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** Everything that {@link sanitizeText} shows as an escape: the above but tabs and line ends. */
const UNSAFE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)/g;

/**
 * One line of a program's output as harmless text: escape sequences and control characters removed (tabs stay), and of
 * what was overwritten with carriage returns only what a terminal would show last.
 */
export function sanitizeLine(line: string): string {
  const unended = line.replace(/\r+$/, '');
  const shown = unended.slice(unended.lastIndexOf('\r') + 1);
  return shown.replace(ESCAPES, '').replace(CONTROLS, '').replace(REORDERING, '\ufffd');
}

/**
 * Text with everything visible that a terminal would obey: `\u001b`; tabs and line ends stay. The notation is JSON's: a JSON
 * document holds such characters in its strings only, and remains the same document.
 */
export function sanitizeText(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same on one line. */
export function sanitizeName(text: string): string {
  return sanitizeText(text.replace(/\r?\n[\s\S]*/, ' …'));
}
