import { fileText, type PackageFile, unreadable } from './package-file.ts';

/** The members of a JSON object; none of anything else. */
export type Members = Readonly<Record<string, unknown>>;

/** The members of `value`, if it is an object. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

/** A JSON document. @throws OciError `UNSUPPORTED` when it is none, `LIMIT_EXCEEDED` */
export function readJson(file: PackageFile, most: number): unknown {
  return parseJson(fileText(file, most));
}

/** As {@link readJson}, of a text; a byte order mark before it is passed over, as Node and .NET do. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw unreadable('it is no JSON document');
  }
}

/** A text that is not empty. */
export function jsonText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Texts of a list, or one text, joined as SPDX joins licences of which all hold. */
export function licenceOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return jsonText(value) ?? jsonText(membersOf(value)['type']);
  const texts = value
    .map((item) => jsonText(item) ?? jsonText(membersOf(item)['type']))
    .filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join(' AND ');
}
