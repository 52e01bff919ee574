import { OciError } from './oci-error.ts';
import type { Field } from './json-document.ts';

/** What an image runs on, in Go's words (image-spec image-index.md, "platform"). */
export interface Platform {
  /** `linux`, `windows`. */
  readonly os: string;
  /** `amd64`, `arm64`. */
  readonly architecture: string;
  /** `v7`, `v8`; for amd64 `v2` … `v4`. */
  readonly variant?: string;
  /** Of Windows: `10.0.17763.1`; the first three numbers are the build. */
  readonly 'os.version'?: string;
  /** What the image needs of the system: `win32k`, `erofs`. */
  readonly 'os.features'?: readonly string[];
}

/** Names that people and kernels use, and what an image calls them. */
const ARCHITECTURES: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['i386', ['386']],
  ['i686', ['386']],
  ['armhf', ['arm', 'v7']],
  ['armv7', ['arm', 'v7']],
  ['armv7l', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
  ['armv6', ['arm', 'v6']],
  ['armv6l', ['arm', 'v6']],
  ['armv5', ['arm', 'v5']],
  ['armv8', ['arm64']],
]);

const COMPONENT = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** As containerd writes an operating system: `windows(10.0.17763.1)`, `linux(+erofs)`, `windows(10.0.17763+win32k)`. */
const SYSTEM = /^([^()]*)\(([A-Za-z0-9_.-]*)((?:\+[A-Za-z0-9_.-]+)*)\)$/;
/** As crane writes a version of it, at the end: `windows/amd64:10.0.17763.1`. */
const VERSION = /^(.*):([A-Za-z0-9_.-]+)$/;

/**
 * Reads `os[(version+feature…)]/arch[/variant]` as `--platform` takes it, normalised; a lone architecture means Linux. A
 * version of the operating system may also stand at the end: `windows/amd64:10.0.17763.1`.
 * @throws OciError `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const refuse = (why: string): never => {
    throw new OciError(
      'PLATFORM_INVALID',
      `invalid platform "${text}": ${why}; expected os/arch[/variant], such as linux/arm64`,
    );
  };
  const [, plain = text.trim(), versionAtEnd] = VERSION.exec(text.trim()) ?? [];
  const [system = '', ...others] = plain.split('/');
  const [, named = system, versionInside = '', plus = ''] = SYSTEM.exec(system) ?? [];
  const version = versionAtEnd ?? versionInside;
  const features = plus.split('+').slice(1);
  const parts = [named, ...others];
  if (parts.length > 3) refuse('too many parts');
  for (const part of parts)
    if (!COMPONENT.test(part)) refuse(part === '' ? 'a part is empty' : `"${part}" is not a name`);
  const [first = '', second, variant] = parts;
  const isLone = second === undefined;
  const isKnown = KNOWN_ARCHITECTURES.has(normalizeArchitecture(first)[0]);
  if (isLone && (!isKnown || named !== system)) refuse('the architecture is missing');
  return normalizePlatform({
    os: isLone ? 'linux' : first,
    architecture: second ?? first,
    ...(variant !== undefined && { variant }),
    ...(version !== '' && { 'os.version': version }),
    ...(features.length > 0 && { 'os.features': features }),
  });
}

const KNOWN_ARCHITECTURES = new Set(
  '386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm'.split(' '),
);

function normalizeArchitecture(name: string): readonly [string, string?] {
  const lower = name.toLowerCase();
  return ARCHITECTURES.get(lower) ?? [lower];
}

/**
 * The one spelling of a platform: `x86_64` becomes `amd64`, `aarch64` and `arm64/v8` become `arm64`, plain `arm` is
 * `arm/v7`, `amd64/v1` is `amd64`.
 */
export function normalizePlatform(platform: Platform): Platform {
  const { variant: _, ...rest } = platform;
  const [architecture, implied] = normalizeArchitecture(platform.architecture);
  const variant = normalizeVariant(architecture, platform.variant?.toLowerCase() || implied);
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  return { ...rest, os, architecture, ...(variant !== undefined && { variant }) };
}

function normalizeVariant(architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'arm') {
    if (variant === undefined) return 'v7';
    return /^[5-8]$/.test(variant) ? `v${variant}` : variant;
  }
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) return undefined;
  if (architecture === 'amd64' && variant === 'v1') return undefined;
  return variant;
}

/** `linux/arm/v7`, `windows(10.0.17763.1)/amd64`, `linux(+erofs)/amd64`: the spelling that {@link parsePlatform} reads back. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  const version = platform['os.version'] ?? '';
  const features = (platform['os.features'] ?? []).toSorted().map((feature) => `+${feature}`);
  const details = version + features.join('');
  return [details === '' ? os : `${os}(${details})`, architecture, ...(variant ? [variant] : [])].join('/');
}

/** True when both name the same platform, however they spell it; version and features of the system count. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b));
}

/** {@link platformFit} of what is wanted, to the point. */
export const PERFECT_FIT = 100;

/**
 * How well an image for `offered` runs on `wanted`: 0 not at all, else higher is better. An ARMv7 machine also runs v6 and
 * v5 images, amd64/v3 also v2 and v1, arm64/v9 also v8. Where a version is wanted, the image's must be of the same build (the
 * first three numbers, as Windows demands it of containers) or not told; the same revision is best, then the latest. The
 * features that an image needs (image-spec, `os.features`) must be among the wanted ones.
 */
export function platformFit(wanted: Platform, offered: Platform): number {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(offered);
  if (want.os !== have.os || want.architecture !== have.architecture) return 0;
  const variant = variantFit(want, have);
  const version = versionMiss(want['os.version'], have['os.version']);
  const features = featureMiss(want, have);
  if (variant === 0 || version === undefined || features === undefined) return 0;
  return variant - version - features;
}

function variantFit(want: Platform, have: Platform): number {
  if (want.variant === have.variant) return PERFECT_FIT;
  const level = (platform: Platform): number => {
    const base = platform.architecture === 'arm64' ? 8 : 1;
    return platform.variant === undefined ? base : Number(/^v(\d)/.exec(platform.variant)?.[1] ?? Number.NaN);
  };
  const [wantLevel, haveLevel] = [level(want), level(have)];
  return haveLevel < wantLevel ? PERFECT_FIT - (wantLevel - haveLevel) : 0;
}

/** How far versions are apart, less than a step of variants; undefined when they do not go together. */
function versionMiss(want: string | undefined, have: string | undefined): number | undefined {
  if (want === undefined || want === have) return 0;
  if (have === undefined) return 0.4;
  const [wanted, offered] = [want.split('.'), have.split('.')];
  if (wanted.slice(0, 3).join('.') !== offered.slice(0, 3).join('.')) return undefined;
  return 0.3 - Math.min(Number(offered[3] ?? 0) || 0, 1e6) * 1e-7;
}

/** How many of the wanted features an image has no use for, as a fraction; undefined when it needs others. */
function featureMiss(want: Platform, have: Platform): number | undefined {
  const wanted = new Set(want['os.features']);
  const needed = have['os.features'] ?? [];
  // Every Windows has it that does not say otherwise.
  if (want.os === 'windows' && want['os.features'] === undefined) wanted.add('win32k');
  if (needed.some((feature) => !wanted.has(feature))) return undefined;
  const unused = (want['os.features'] ?? []).filter((feature) => !needed.includes(feature)).length;
  return Math.min(unused, 100) * 0.001;
}

/** Decodes the `platform` member of a descriptor; kept as written, not normalised. */
export function decodePlatform(field: Field): Platform {
  const variant = field.member('variant').optional((f) => f.string());
  const version = field.member('os.version').optional((f) => f.string());
  const features = field.member('os.features').optional((f) => f.strings());
  return {
    os: field.member('os').string(),
    architecture: field.member('architecture').string(),
    ...(variant !== undefined && { variant }),
    ...(version !== undefined && { 'os.version': version }),
    ...(features !== undefined && { 'os.features': features }),
  };
}
