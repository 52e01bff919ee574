import { linesOf } from './stanzas.ts';

/** The distribution of an image, as os-release(5) tells it. */
export interface Distribution {
  /** `debian`, `alpine`, `rhel`. */
  readonly id: string;
  /** `12`, `3.20.1`; rolling distributions have none. */
  readonly version?: string;
  /** For people. */
  readonly title?: string;
}

/** Where os-release(5) says it is, the first that is there. */
export const OS_RELEASE_PATHS: readonly string[] = ['etc/os-release', 'usr/lib/os-release'];

/** Most bytes of it that are read. */
export const MAX_OS_RELEASE = 64 * 1024;

/** Reads os-release's assignments. Undefined where it names no ID. */
export function parseOsRelease(text: string): Distribution | undefined {
  const values = new Map<string, string>();
  for (const line of linesOf(text)) {
    const [, name, value] = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, unquoted(value.trim()));
  }
  const id = values.get('ID');
  if (!id) return undefined;
  const version = values.get('VERSION_ID') || values.get('BUILD_ID');
  const title = values.get('PRETTY_NAME');
  return { id, ...(version && { version }), ...(title && { title }) };
}

/** Takes the shell's quotes and backslashes off. */
function unquoted(value: string): string {
  const [, , inside] = /^(['"])(.*)\1$/.exec(value) ?? [];
  return (inside ?? value).replace(/\\(["'`$\\])/g, '$1');
}
