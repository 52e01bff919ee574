import { describe, expect, it } from 'vitest';
import { lintOf } from './lint-of.ts';

const of = (text: string): readonly string[] => lintOf(text).filter((line) => line.includes('StagePlatformIgnored'));

describe('StagePlatformIgnored', () => {
  it('is told where FROM asks for another platform than the stage that it names has', () => {
    const text = 'ARG ARM=linux/arm64\nFROM busybox AS tools\nFROM --platform=$ARM tools AS mine\nFROM mine\n';
    expect(of(text)).toEqual([
      '3 StagePlatformIgnored: --platform=$ARM (linux/arm64) has no effect: the stage tools, which it starts from, is for linux/amd64. Put --platform there',
    ]);
    const chain =
      'ARG ARM=linux/arm64\nFROM --platform=$ARM busybox AS a\nFROM a AS b\nFROM --platform=$BUILDPLATFORM b\n';
    expect(of(chain)).toEqual([expect.stringContaining('the stage b, which it starts from, is for linux/arm64')]);
  });

  it('is not told where both are the same, of images, or where nobody knows', () => {
    expect(of('FROM --platform=$BUILDPLATFORM busybox AS a\nFROM --platform=$BUILDPLATFORM a\n')).toEqual([]);
    expect(of('FROM busybox AS a\nFROM --platform=linux/amd64 a\nFROM --platform=linux/arm64 busybox\n')).toEqual([]);
    expect(of('FROM --platform=$NOTHING busybox AS a\nFROM --platform=linux/arm64 a\n')).toEqual([]);
    expect(of('FROM busybox AS a\nFROM --platform=no/such/plat/form a\n')).toEqual([]);
  });
});
