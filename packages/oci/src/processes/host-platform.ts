import { endianness } from 'node:os';
import { normalizePlatform } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';

/** Node's words for an architecture, where they differ from Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64', mipsel: 'mipsle' };

/** The platform whose images this machine runs. Always Linux: on other systems, containers run in a Linux machine. */
export function hostPlatform(): Platform {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  if (architecture === 'ppc64' && endianness() === 'LE') return { os: 'linux', architecture: 'ppc64le' };
  return normalizePlatform({ os: 'linux', architecture });
}
