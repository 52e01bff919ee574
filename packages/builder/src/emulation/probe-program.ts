import type { ForeignArchitecture } from './architectures.ts';

/** What the kernel looks at to choose an interpreter: up to e_machine (binfmt_misc.rst). */
const MAGIC_SIZE = 20;
/** Page sizes of Linux go up to 64 KiB: a segment at a multiple of that can be mapped anywhere. */
const ADDRESS = 0x400000;
const ALIGNMENT = 0x10000;

/** A whole static program, some 130 bytes, that does nothing but exit(0): if it runs, programs of the architecture run. */
export function probeProgram(architecture: ForeignArchitecture): Uint8Array {
  const { bits, bigEndian, machine, flags } = architecture;
  const isWide = bits === 64;
  const [headerSize, segmentSize] = isWide ? [64, 56] : [52, 32];
  const code = machineCode(architecture);
  const start = headerSize + segmentSize;
  const size = start + code.length;
  const program = Buffer.alloc(size);
  let at = program.write('\x7fELF', 'latin1');
  const put = (value: number, bytes: 1 | 2 | 4): void => {
    at = bigEndian ? program.writeUIntBE(value, at, bytes) : program.writeUIntLE(value, at, bytes);
  };
  /** An address or an offset. */
  const word = (value: number): void => {
    if (isWide && bigEndian) put(0, 4);
    put(value, 4);
    if (isWide && !bigEndian) put(0, 4);
  };
  // e_ident: class, byte order, version; the rest of the 16 bytes is 0.
  for (const value of [isWide ? 2 : 1, bigEndian ? 2 : 1, 1]) put(value, 1);
  at = 16;
  put(2, 2); // e_type: ET_EXEC
  put(machine, 2);
  put(1, 4); // e_version
  word(ADDRESS + start); // e_entry
  word(headerSize); // e_phoff
  word(0); // e_shoff
  put(flags, 4);
  // e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
  for (const value of [headerSize, segmentSize, 1, 0, 0, 0]) put(value, 2);
  // One segment, PT_LOAD: the whole file, to be read and executed. p_flags stands where it needs no padding.
  put(1, 4);
  if (isWide) put(5, 4);
  for (const value of [0, ADDRESS, ADDRESS, size, size]) word(value); // p_offset, p_vaddr, p_paddr, p_filesz, p_memsz
  if (!isWide) put(5, 4);
  word(ALIGNMENT);
  program.set(code, at);
  return program;
}

function machineCode({ exit, codeUnit, bigEndian }: ForeignArchitecture): Uint8Array {
  const code = Buffer.alloc(exit.length * codeUnit);
  exit.forEach((word, i) => {
    if (bigEndian) code.writeUIntBE(word, i * codeUnit, codeUnit);
    else code.writeUIntLE(word, i * codeUnit, codeUnit);
  });
  return code;
}

/** What binfmt_misc compares the beginning of a program with, under `mask`. */
export interface Magic {
  readonly magic: Uint8Array;
  readonly mask: Uint8Array;
}

/** The magic of all programs of an architecture: of any ABI of the system (EI_OSABI), at a fixed place or not (ET_DYN). */
export function magicOf(architecture: ForeignArchitecture): Magic {
  const magic = probeProgram(architecture).subarray(0, MAGIC_SIZE);
  const mask = Buffer.alloc(MAGIC_SIZE, 0xff);
  mask[7] = 0;
  // ET_EXEC is 2 and ET_DYN 3.
  mask[architecture.bigEndian ? 17 : 16] = 0xfe;
  return { magic, mask };
}

/** Whether a registered interpreter is asked to run the program. */
export function matchesMagic(program: Uint8Array, { magic, mask }: Magic, offset = 0): boolean {
  return magic.every((byte, i) => (byte & (mask[i] ?? 0xff)) === ((program[offset + i] ?? 0) & (mask[i] ?? 0xff)));
}
