import { readFileSync } from 'node:fs';
import { formatPlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { foreignArchitecture } from './architectures.ts';

/** An error for a RUN of a platform whose programs do not run here, with what can be done about it. */
export function cannotRun(platform: Platform, reason: string, range: SourceRange): BuildError {
  const [wanted, own] = [formatPlatform(platform), formatPlatform(hostPlatform())];
  return new BuildError(
    'PLATFORM_NOT_RUNNABLE',
    `RUN for ${wanted} does not work on this machine (${own}): ${reason}`,
    {
      range,
      hint: waysOut(platform, CROSS),
    },
  );
}

/** The same for a container of an image. */
export function cannotRunImage(platform: Platform, reason: string): BuildError {
  const [wanted, own] = [formatPlatform(platform), formatPlatform(hostPlatform())];
  const message = `an image for ${wanted} does not run on this machine (${own}): ${reason}`;
  return new BuildError('PLATFORM_NOT_RUNNABLE', message, {
    hint: waysOut(platform, `or take an image for this machine (--platform ${own})`),
  });
}

const CROSS = 'or run this step on the platform of the machine (FROM --platform=$BUILDPLATFORM) and COPY its result';

/** @param other what can be done without an emulator */
function waysOut({ architecture }: Platform, other: string): string {
  const emulated = foreignArchitecture(architecture);
  // An emulator cannot be chosen by the level of a processor.
  if (emulated === undefined || architecture === hostPlatform().architecture) return `Use another machine, ${other}.`;
  return `Install an emulator (${installHint(emulated.qemu)}), or register one with the kernel (docker run --privileged --rm tonistiigi/binfmt --install ${architecture}), ${other}.`;
}

/** What brings a static qemu on this machine. */
export function installHint(qemu: string): string {
  return installCommand(qemu, osRelease());
}

/** The command that brings a static qemu, by os-release(5): ID, then what ID_LIKE names. */
export function installCommand(qemu: string, release: string): string {
  const field = (name: string): string => new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(release)?.[1] ?? '';
  const architecture = qemu.replace('qemu-', '');
  for (const id of [field('ID'), ...field('ID_LIKE').split(' ')]) {
    const command = INSTALL[id]?.(architecture);
    if (command !== undefined) return command;
  }
  return `package qemu-user-static: a static ${qemu}-static in the PATH is enough`;
}

/** Fedora has one package for each family of processors. */
const FEDORA: Readonly<Record<string, string>> = {
  i386: 'x86', x86_64: 'x86', mips64: 'mips', mips64el: 'mips', ppc64le: 'ppc', riscv64: 'riscv', loongarch64: 'loongarch64',
}; // biome-ignore format: a table

const INSTALL: Readonly<Record<string, (architecture: string) => string>> = {
  debian: () => 'apt-get install qemu-user-static',
  ubuntu: () => 'apt-get install qemu-user-static',
  fedora: (name) => `dnf install qemu-user-static-${FEDORA[name] ?? name}`,
  alpine: (name) => `apk add qemu-${name}`,
  arch: () => 'pacman -S qemu-user-static',
  opensuse: () => 'zypper install qemu-linux-user',
  suse: () => 'zypper install qemu-linux-user',
};

function osRelease(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The next one, as os-release(5) has it.
    }
  }
  return '';
}
