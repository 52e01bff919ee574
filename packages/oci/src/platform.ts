import { OciError } from './errors.ts';
import type { Field } from './json-document.ts';

/** What an image runs on, in Go's words (image-spec image-index.md, "platform"). */
export interface Platform {
  /** `linux`, `windows`. */
  readonly os: string;
  /** `amd64`, `arm64`. */
  readonly architecture: string;
  /** `v7`, `v8`; for amd64 `v2` … `v4`. */
  readonly variant?: string;
  /** Of Windows. */
  readonly 'os.version'?: string;
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

/**
 * Reads `os/arch[/variant]` as `--platform` takes it, normalised; a lone architecture means Linux.
 * @throws OciError `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().split('/');
  const refuse = (why: string): never => {
    throw new OciError(
      'PLATFORM_INVALID',
      `invalid platform "${text}": ${why}; expected os/arch[/variant], such as linux/arm64`,
    );
  };
  if (parts.length > 3) refuse('too many parts');
  for (const part of parts) if (!COMPONENT.test(part)) refuse(part === '' ? 'a part is empty' : `"${part}" is no name`);
  const [first = '', second, variant] = parts;
  if (second === undefined) {
    if (!KNOWN_ARCHITECTURES.has(normalizeArchitecture(first)[0])) refuse('the architecture is missing');
    return normalizePlatform({ os: 'linux', architecture: first });
  }
  return normalizePlatform({ os: first, architecture: second, ...(variant !== undefined && { variant }) });
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

/** `linux/arm/v7`: the spelling that {@link parsePlatform} reads back. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

/** True when both name the same platform, however they spell it. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b));
}

/**
 * How well an image for `offered` runs on `wanted`: 0 not at all, else higher is better. An ARMv7 machine also runs v6 and
 * v5 images, amd64/v3 also v2 and v1, arm64/v9 also v8.
 */
export function platformFit(wanted: Platform, offered: Platform): number {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(offered);
  if (want.os !== have.os || want.architecture !== have.architecture) return 0;
  if (want.variant === have.variant) return 100;
  const level = (platform: Platform): number => {
    const base = platform.architecture === 'arm64' ? 8 : 1;
    return platform.variant === undefined ? base : Number(/^v(\d)/.exec(platform.variant)?.[1] ?? Number.NaN);
  };
  const [wantLevel, haveLevel] = [level(want), level(have)];
  return haveLevel < wantLevel ? 100 - (wantLevel - haveLevel) : 0;
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
