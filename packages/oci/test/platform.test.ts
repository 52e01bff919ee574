import { describe, expect, it } from 'vitest';
import { hostPlatform } from '../src/processes/host-platform.ts';
import { formatPlatform, normalizePlatform, parsePlatform, platformFit, samePlatform } from '../src/spec/platform.ts';

describe('parsePlatform()', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/AARCH64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/armv6l', 'linux/arm/v6'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/i386', 'linux/386'],
    ['arm64', 'linux/arm64'],
    ['windows/amd64', 'windows/amd64'],
    ['windows(10.0.17763.1)/amd64', 'windows(10.0.17763.1)/amd64'],
    ['windows/amd64:10.0.17763.1', 'windows(10.0.17763.1)/amd64'],
    ['linux(+erofs)/arm64/v8', 'linux(+erofs)/arm64'],
    ['windows(10.0.17763+b+a)/amd64', 'windows(10.0.17763+a+b)/amd64'],
  ])('reads %s as %s', (text, normal) => {
    expect(formatPlatform(parsePlatform(text))).toBe(normal);
  });

  it('keeps version and features of the system', () => {
    expect(parsePlatform('windows(10.0.17763.1+win32k)/x86_64')).toEqual({
      os: 'windows',
      architecture: 'amd64',
      'os.version': '10.0.17763.1',
      'os.features': ['win32k'],
    });
  });

  it.each(['linux(/amd64', 'linux()x/amd64', 'amd64(+a)', 'windows(1/2)/amd64', 'linux(+)/amd64', '(1)/amd64'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'PLATFORM_INVALID' }));
    },
  );

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux/a b', 'linux/../x', 'linux//v7'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(
        expect.objectContaining({ code: 'PLATFORM_INVALID', message: expect.stringContaining('os/arch[/variant]') }),
      );
    },
  );
});

describe('platformFit()', () => {
  it.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/x86_64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/arm/v7', 'linux/arm/v6', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/arm64', 'linux/arm/v7', false],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/amd64/v3', 'linux/amd64', true],
    ['linux/amd64', 'linux/amd64/v3', false],
    ['linux/arm64', 'linux/arm64/v9', false],
    ['linux/amd64', 'linux/amd64/odd', false],
  ])('%s runs %s: %s', (wanted, offered, runs) => {
    expect(platformFit(parsePlatform(wanted), parsePlatform(offered)) > 0).toBe(runs);
  });

  it('prefers the nearest variant', () => {
    const v7 = parsePlatform('linux/arm/v7');
    const fits = ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'].map((text) => platformFit(v7, parsePlatform(text)));
    expect(fits).toEqual(fits.toSorted((a, b) => a - b));
    expect(new Set(fits).size).toBe(3);
  });
});

it('samePlatform() looks through spellings', () => {
  expect(
    samePlatform({ os: 'linux', architecture: 'aarch64' }, { os: 'linux', architecture: 'arm64', variant: 'v8' }),
  ).toBe(true);
  expect(samePlatform({ os: 'linux', architecture: 'arm' }, { os: 'linux', architecture: 'arm', variant: 'v6' })).toBe(
    false,
  );
});

it('hostPlatform() is a normal platform of Linux', () => {
  expect(hostPlatform()).toEqual(normalizePlatform(hostPlatform()));
  expect(hostPlatform().os).toBe('linux');
});
