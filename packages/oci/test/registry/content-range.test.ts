import { expect, it } from 'vitest';
import { contentStart, receivedBytes } from '../../src/registry/content-range.ts';

const head = (status: number, name: string, value?: string) => ({
  status,
  header: (asked: string) => (asked === name ? value : undefined),
});

it.each([
  [200, undefined, 0],
  [206, 'bytes 10-99/100', 10],
  [206, 'bytes 10-99/*', 10],
  [206, 'Bytes 0-99/100', 0],
  [206, 'bytes 10-98/100', undefined],
  [206, 'bytes 10-98/*', undefined],
  [206, 'bytes 10-99/200', undefined],
  [206, 'bytes 10-100/100', undefined],
  [206, 'bytes */100', undefined],
  [206, 'bytes -10-99/100', undefined],
  [206, 'bytes 1e1-99/100', undefined],
  [206, 'bytes 10-99/100, bytes 0-9/100', undefined],
  [206, 'items 10-99/100', undefined],
  [206, '', undefined],
  [206, undefined, undefined],
  [416, 'bytes */100', undefined],
])('%i with Content-Range %j of 100 bytes begins at %j', (status, range, expected) => {
  expect(contentStart(head(status, 'content-range', range), 100)).toBe(expected);
});

it.each([
  ['0-99', 100],
  ['bytes=0-99', 100],
  ['0-1', 2],
  ['0-0', undefined],
  ['1-99', undefined],
  ['0--1', undefined],
  ['0-9999999999999999', undefined],
  ['', undefined],
  [undefined, undefined],
])('Range %j of an upload means %j bytes', (range, expected) => {
  expect(receivedBytes(head(202, 'range', range))).toBe(expected);
});
