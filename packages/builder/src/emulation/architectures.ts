/** How the programs of an architecture look (ELF, System V ABI), and what emulates them. */
export interface ForeignArchitecture {
  /** As images name it. */
  readonly name: string;
  /** As qemu names its program: `qemu-aarch64`. */
  readonly qemu: string;
  /** EI_CLASS. */
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  /** e_machine of linux/elf-em.h. */
  readonly machine: number;
  /** e_flags: the calling convention, where the header of every program must tell it. */
  readonly flags: number;
  /** Machine code that calls exit(0), as words of {@link codeUnit} bytes in the order of execution. */
  readonly exit: readonly number[];
  /** Bytes of an instruction, which is stored in the order of the architecture; 1 where they differ in length. */
  readonly codeUnit: 1 | 4;
}

const LITTLE_64 = { bits: 64, bigEndian: false, flags: 0, codeUnit: 4 } as const;

/**
 * The architectures that images are made for and Debian's qemu-user-static brings an emulator for. Each stub puts 0 into the
 * register of the first argument and the number of exit(2) into that of the system call (syscall(2), "Architecture calling
 * conventions"), and makes the call.
 */
export const FOREIGN_ARCHITECTURES: readonly ForeignArchitecture[] = [
  {
    ...LITTLE_64, name: 'amd64', qemu: 'qemu-x86_64', machine: 62, codeUnit: 1,
    exit: [
      0xb8, 60, 0, 0, 0, // mov eax, 60
      0x31, 0xff, // xor edi, edi
      0x0f, 0x05, // syscall
    ],
  },
  {
    ...LITTLE_64, name: '386', qemu: 'qemu-i386', bits: 32, machine: 3, codeUnit: 1,
    exit: [
      0xb8, 1, 0, 0, 0, // mov eax, 1
      0x31, 0xdb, // xor ebx, ebx
      0xcd, 0x80, // int 0x80
    ],
  },
  {
    ...LITTLE_64, name: 'arm64', qemu: 'qemu-aarch64', machine: 183,
    exit: [
      0xd2800000, // mov x0, #0
      0xd2800ba8, // mov x8, #93
      0xd4000001, // svc #0
    ],
  },
  {
    ...LITTLE_64, name: 'arm', qemu: 'qemu-arm', bits: 32, machine: 40,
    flags: 0x05000000, // EF_ARM_EABI_VER5: else the number of the call would have to stand in the instruction
    exit: [
      0xe3a00000, // mov r0, #0
      0xe3a07001, // mov r7, #1
      0xef000000, // svc #0
    ],
  },
  {
    ...LITTLE_64, name: 'riscv64', qemu: 'qemu-riscv64', machine: 243,
    exit: [
      0x00000513, // li a0, 0
      0x05d00893, // li a7, 93
      0x00000073, // ecall
    ],
  },
  {
    ...LITTLE_64, name: 'ppc64le', qemu: 'qemu-ppc64le', machine: 21,
    flags: 2, // ELFv2: the entry point is code, not a descriptor of it
    exit: [
      0x38600000, // li r3, 0
      0x38000001, // li r0, 1
      0x44000002, // sc
    ],
  },
  {
    ...LITTLE_64, name: 's390x', qemu: 'qemu-s390x', bigEndian: true, machine: 22, codeUnit: 1,
    exit: [
      0xa7, 0x29, 0x00, 0x00, // lghi %r2, 0
      0x0a, 0x01, // svc 1
    ],
  },
  {
    ...LITTLE_64, name: 'mips64le', qemu: 'qemu-mips64el', machine: 8,
    flags: 0x80000007, // EF_MIPS_ARCH_64R2 with noreorder, pic and cpic, as Debian's programs
    exit: [
      0x00002025, // move a0, zero
      0x240213c2, // li v0, 5058
      0x0000000c, // syscall
    ],
  },
  {
    ...LITTLE_64, name: 'mips64', qemu: 'qemu-mips64', bigEndian: true, machine: 8, flags: 0x80000007,
    exit: [0x00002025, 0x240213c2, 0x0000000c], // as mips64le
  },
  {
    ...LITTLE_64, name: 'loong64', qemu: 'qemu-loongarch64', machine: 258,
    flags: 0x43, // LP64D, object ABI 1
    exit: [
      0x03800004, // li.w a0, 0 (ori a0, zero, 0)
      0x0381740b, // li.w a7, 93 (ori a7, zero, 93)
      0x002b0000, // syscall 0
    ],
  },
]; // biome-ignore format: a table

/** The architecture of that name; undefined for one that nothing here knows how to try. */
export function foreignArchitecture(name: string): ForeignArchitecture | undefined {
  return FOREIGN_ARCHITECTURES.find((known) => known.name === name);
}
