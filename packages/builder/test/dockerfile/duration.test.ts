import { describe, expect, it } from 'vitest';
import { checkInterval, parseDuration } from '../../src/dockerfile/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['5s', 5e9],
    ['30s', 30e9],
    ['1m30s', 90e9],
    ['500ms', 500e6],
    ['1.5h', 5400e9],
    ['.5s', 5e8],
    ['5.s', 5e9],
    ['+5s', 5e9],
    ['-1m', -60e9],
    ['10ns', 10],
    ['11us', 11_000],
    ['12µs', 12_000],
    ['12μs', 12_000],
    ['3h2m1s4ms5us6ns', 10_921_004_005_006],
    ['1h1h', 7200e9],
    ['0.1ns', 0],
    ['0.333333333333333333333h', 1_199_999_999_999],
    ['2562047h47m16.854775807s', Number(2n ** 63n - 1n)],
  ])('%s', (text, nanoseconds) => {
    expect(parseDuration(text) + 0).toBe(nanoseconds);
  });

  it.each([
    ['', 'time: invalid duration ""'],
    ['3', 'time: missing unit in duration "3"'],
    ['1m3', 'time: missing unit in duration "1m3"'],
    ['-', 'time: invalid duration "-"'],
    ['s', 'time: invalid duration "s"'],
    ['.', 'time: invalid duration "."'],
    ['.s', 'time: invalid duration ".s"'],
    ['+-5s', 'time: invalid duration "+-5s"'],
    ['5d', 'time: unknown unit "d" in duration "5d"'],
    ['5 s', 'time: unknown unit " s" in duration "5 s"'],
    ['5S', 'time: unknown unit "S" in duration "5S"'],
    ['5toString', 'time: unknown unit "toString" in duration "5toString"'],
    ['3000000h', 'time: invalid duration "3000000h"'],
    ['1..5s', 'time: missing unit in duration "1..5s"'],
    [`${'1'.repeat(300)}s`, `time: invalid duration "${'1'.repeat(300)}s"`],
  ])('refuses %j', (text, message) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }));
  });
});

describe('checkInterval', () => {
  it('lets 0 and 1ms pass and nothing between', () => {
    expect(checkInterval('timeout', '0s')).toBeUndefined();
    expect(checkInterval('timeout', '1ms')).toBeUndefined();
    expect(checkInterval('timeout', '999us')).toBe('Interval "timeout" cannot be less than 1ms');
  });
});
