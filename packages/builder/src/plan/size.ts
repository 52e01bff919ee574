const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Bytes of a size such as `64m`, `1.5g` or `512KiB` (units of 1024, as Docker's); undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
