import type { HttpResponse } from './http-response.ts';

/** The part of an answer that is looked at here. */
type Head = Pick<HttpResponse, 'status' | 'header'>;

/**
 * Where the content of an answer begins in a blob of `size` bytes: 0 for the whole, the first byte of a well-formed 206 (RFC
 * 9110, 14.4) that goes to the end, undefined for an answer that does not hold the rest of this blob.
 */
export function contentStart(response: Head, size: number): number | undefined {
  if (response.status === 200) return 0;
  if (response.status !== 206) return undefined;
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(response.header('content-range') ?? '');
  if (range === null) return undefined;
  const [, first, last, total] = range;
  if (Number(last) !== size - 1 || (total !== '*' && Number(total) !== size)) return undefined;
  return Number(first);
}

/** The number of bytes an upload has received, from `Range: 0-<last>`; undefined when the header does not say. */
export function receivedBytes(response: Head): number | undefined {
  const range = /^(?:bytes=)?0-(\d{1,15})$/i.exec(response.header('range') ?? '');
  // `0-0` is said both of nothing and of one byte.
  return range === null || range[1] === '0' ? undefined : Number(range[1]) + 1;
}
