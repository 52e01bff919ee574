import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FOREIGN_ARCHITECTURES, foreignArchitecture } from '../../src/emulation/architectures.ts';
import { emulatorCrash, uncaughtSignal } from '../../src/emulation/emulator-crash.ts';
import { isStatic } from '../../src/emulation/find-qemu.ts';
import { registeredFor } from '../../src/emulation/machine-binfmt.ts';
import { magicOf, matchesMagic, probeProgram } from '../../src/emulation/probe-program.ts';
import { processorLevel } from '../../src/emulation/processor-level.ts';
import { installCommand } from '../../src/emulation/ways-out.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsbuild-emulation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programOf = (name: string): Uint8Array => {
  const known = foreignArchitecture(name);
  if (known === undefined) throw new Error(`${name} is not known`);
  return probeProgram(known);
};

describe('programs that try an architecture', () => {
  it('are ELF programs of one segment whose entry is its code', () => {
    for (const architecture of FOREIGN_ARCHITECTURES) {
      const program = Buffer.from(probeProgram(architecture));
      const { bits, bigEndian, machine } = architecture;
      const word = (at: number): number => (bigEndian ? program.readUInt32BE(at) : program.readUInt32LE(at));
      const half = (at: number): number => (bigEndian ? program.readUInt16BE(at) : program.readUInt16LE(at));
      const low = bigEndian && bits === 64 ? 4 : 0;
      expect([program.toString('latin1', 1, 4), program[4], program[5]]).toEqual(['ELF', bits / 32, bigEndian ? 2 : 1]);
      expect([half(16), half(18)]).toEqual([2, machine]);
      const code = program.length - architecture.exit.length * architecture.codeUnit;
      expect(word(24 + low)).toBe(0x400000 + code);
      expect(isStatic(write(`probe-${architecture.name}`, program))).toBe(true);
    }
  });

  it('are told from each other by the kernel, and their kin is not', () => {
    for (const one of FOREIGN_ARCHITECTURES) {
      const matching = FOREIGN_ARCHITECTURES.filter((other) => matchesMagic(probeProgram(other), magicOf(one)));
      expect(matching).toEqual([one]);
    }
    const independent = Buffer.from(programOf('arm64'));
    independent[16] = 3;
    independent[7] = 3;
    const arm64 = foreignArchitecture('arm64');
    expect(arm64 !== undefined && matchesMagic(independent, magicOf(arm64))).toBe(true);
  });
});

describe('what the machine has registered', () => {
  const entry = (flags: string, state = 'enabled'): string =>
    `${state}\ninterpreter /usr/bin/qemu-aarch64-static\nflags: ${flags}\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n`;
  const registered = (text: string): unknown => {
    const place = mkdtempSync(join(folder, 'binfmt-'));
    for (const [name, content] of [
      ['register', ''],
      ['status', 'enabled\n'],
      ['java', 'enabled\ninterpreter /usr/bin/java\nflags: \nextension .jar\n'],
      ['arm', text],
    ] as const)
      writeFileSync(join(place, name), content);
    return registeredFor(programOf('arm64'), place);
  };

  it('is found by its magic, with its flag F', () => {
    expect(registered(entry('OCF'))).toEqual({ interpreter: '/usr/bin/qemu-aarch64-static', isOpen: true });
    expect(registered(entry('OC'))).toEqual({ interpreter: '/usr/bin/qemu-aarch64-static', isOpen: false });
  });

  it('counts only while it is enabled, and only for its own architecture', () => {
    expect(registered(entry('F', 'disabled'))).toBeUndefined();
    expect(registered(entry('F').replace('b700', 'f300'))).toBeUndefined();
    expect(registeredFor(programOf('arm64'), join(folder, 'none'))).toBeUndefined();
  });
});

describe('emulators', () => {
  it('must be static programs', () => {
    expect(isStatic(process.execPath)).toBe(false);
    expect(isStatic(write('script', Buffer.from('#!/bin/sh\n')))).toBe(false);
    expect(isStatic(join(folder, 'missing'))).toBe(false);
  });

  it.each([
    ['ID=debian\n', 'apt-get install qemu-user-static'],
    ['NAME="Pop"\nID=pop\nID_LIKE="ubuntu debian"\n', 'apt-get install qemu-user-static'],
    ['ID=fedora\n', 'dnf install qemu-user-static-aarch64'],
    ['ID="alpine"\n', 'apk add qemu-aarch64'],
    ['ID=arch\n', 'pacman -S qemu-user-static'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'zypper install qemu-linux-user'],
    ['ID=other\n', 'package qemu-user-static: a static qemu-aarch64-static in the PATH is enough'],
  ])('come from the package of the distribution: %s', (release, command) => {
    expect(installCommand('qemu-aarch64', release)).toBe(command);
  });

  it('have crashed where they say so, or where the command ended by a fault', () => {
    const emulated = { kind: 'machine', emulator: 'qemu-aarch64 7.2' } as const;
    const line = 'qemu: uncaught target signal 11 (Segmentation fault) - core dumped';
    expect(uncaughtSignal(line)).toEqual({ number: 11, name: 'Segmentation fault' });
    expect(emulatorCrash(emulated, 1, ['npm error', line])).toContain(
      'emulated by qemu-aarch64 7.2, and a program in it crashed (Segmentation fault)',
    );
    expect(emulatorCrash(emulated, 139, [])).toContain('Segmentation fault');
    expect(emulatorCrash(emulated, 1, ['npm error'])).toBeUndefined();
    expect(emulatorCrash({ kind: 'native' }, 139, [line])).toBeUndefined();
  });
});

it('knows the levels of x86-64 by the flags of the processor', () => {
  const v2 = 'cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3';
  const v3 = `${v2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave`;
  const level = (flags: string): number =>
    processorLevel(`processor\t: 0\nflags\t\t: fpu ${flags}\nbugs\t\t: avx512f\n`);
  expect([level(''), level(v2), level(v3.replace('abm', '')), level(v3)]).toEqual([1, 2, 2, 3]);
  expect(level(`${v3} avx512f avx512bw avx512cd avx512dq avx512vl`)).toBe(4);
});

function write(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
