import { tarInvalid } from './tar-error.ts';

/**
 * The numeric fields of a header block: octal text (POSIX.1-1988 ustar) or base-256 (GNU tar manual, "Extensions": the
 * first bit is a mark, the rest a big-endian two's complement number).
 */

/** True when `value` fits `length` bytes of octal text with its terminator. */
export function fitsOctal(value: number, length: number): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

/** Writes `value` as zero-padded octal digits and one NUL. The caller has asked {@link fitsOctal}. */
export function writeOctal(target: Uint8Array, at: number, length: number, value: number): void {
  let rest = value;
  target[at + length - 1] = 0;
  for (let i = at + length - 2; i >= at; i--) {
    const quotient = Math.floor(rest / 8);
    target[i] = 0x30 + (rest - quotient * 8);
    rest = quotient;
  }
}

/** Writes `value` (any safe integer) in GNU's base-256 form. */
export function writeBase256(target: Uint8Array, at: number, length: number, value: number): void {
  let rest = BigInt(value);
  for (let i = at + length - 1; i >= at; i--) {
    target[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  target[at] = (target[at] ?? 0) | 0x80;
}

/**
 * Reads a numeric field; an empty one is 0.
 * @throws OciError `TAR_INVALID` when it is neither octal nor base-256, or beyond 2⁵³
 */
export function readNumber(block: Uint8Array, at: number, length: number, field: string): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return readBase256(block, at, length, field);
  const end = at + length;
  let i = at;
  while (i < end && isBlank(block[i])) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = (block[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  // Text after the terminating NUL is ignored, as other readers do; after a space only blanks may follow.
  while (i < end && block[i] === 0x20) i++;
  if (i < end && block[i] !== 0) throw tarInvalid(`the ${field} field is not a number`);
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}

function readBase256(block: Uint8Array, at: number, length: number, field: string): number {
  const first = block[at] ?? 0;
  const negative = (first & 0x40) !== 0;
  let value = BigInt(first & 0x3f) - (negative ? 0x40n : 0n);
  for (let i = at + 1; i < at + length; i++) value = (value << 8n) | BigInt(block[i] ?? 0);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw tarInvalid(`the ${field} field is out of range`);
  return number;
}
