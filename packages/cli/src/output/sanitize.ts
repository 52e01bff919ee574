// ECMA-48: CSI sequences; the string sequences OSC, DCS, PM, APC and SOS up to their terminator (or the end); other escapes.
const ESCAPES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?/g;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
/** Marks that reorder or hide text around them: a log could show what it does not say (CVE-2021-42574). */
const REORDERING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line of a program's output as harmless text: escape sequences and control characters removed (tabs stay), and of
 * what was overwritten with carriage returns only what a terminal would show last.
 */
export function sanitizeLine(line: string): string {
  const unended = line.replace(/\r+$/, '');
  const shown = unended.slice(unended.lastIndexOf('\r') + 1);
  return shown.replace(ESCAPES, '').replace(CONTROLS, '').replace(REORDERING, '\ufffd');
}

/** Text that names things (paths, image names, messages): control characters become visible, `\x1b`; line ends stay. */
export function sanitizeText(text: string): string {
  return text
    .replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, (character) =>
      character === '\t' ? '\t' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .replace(REORDERING, '\ufffd');
}

/** The same on one line. */
export function sanitizeName(text: string): string {
  return sanitizeText(text.replace(/\r?\n[\s\S]*/, ' …'));
}
