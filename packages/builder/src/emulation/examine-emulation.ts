import { rmSync } from 'node:fs';
import { parsePlatform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { trialDirectory } from '../disk/scratch-space.ts';
import { foreignArchitecture } from './architectures.ts';
import { examinePlatforms, type Runnable } from './runnable.ts';
import { installHint } from './ways-out.ts';

/** Platforms that images are made for. */
const PLATFORMS = [
  'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4', 'linux/386', 'linux/arm64', 'linux/arm/v7', 'linux/arm/v6',
  'linux/riscv64', 'linux/ppc64le', 'linux/s390x', 'linux/mips64le', 'linux/mips64', 'linux/loong64',
]; // biome-ignore format: one list

/** A platform, and whether its commands run on this machine. */
export interface PlatformReport {
  readonly platform: string;
  /** `native`, by the `machine`'s binfmt_misc, by a `private` one of each build, or `not`. */
  readonly kind: Runnable['kind'];
  /** The emulator, or why there is none; empty for what is native. */
  readonly detail: string;
  /** What brings an emulator. */
  readonly hint?: string;
}

/** Tries for which platforms RUN works on this machine. Nothing stays. @param store the store's directory */
export async function examineEmulation(store: string): Promise<readonly PlatformReport[]> {
  const scratch = trialDirectory(store);
  try {
    const { platforms, [Symbol.dispose]: end } = await examinePlatforms(PLATFORMS.map(parsePlatform), scratch);
    end();
    return PLATFORMS.map((platform) => {
      const runnable = platforms.get(platform) ?? { kind: 'native' };
      if (runnable.kind === 'native') return { platform, kind: 'native', detail: '' };
      if (runnable.kind !== 'not') return { platform, kind: runnable.kind, detail: runnable.emulator };
      const { architecture } = parsePlatform(platform);
      const emulated = architecture === hostPlatform().architecture ? undefined : foreignArchitecture(architecture);
      const hint = emulated === undefined ? {} : { hint: installHint(emulated.qemu) };
      return { platform, kind: 'not', detail: runnable.reason, ...hint };
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
