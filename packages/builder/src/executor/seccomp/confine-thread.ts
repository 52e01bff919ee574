import { arch, endianness } from 'node:os';
import { ARCHITECTURES } from './denied-calls.ts';
import { encodeFilter, filterProgram } from './filter-program.ts';

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

let confined: Promise<boolean> | undefined;
let isConfined = false;

/**
 * Puts a filter on the calling thread and on everything that it starts from now on: no user namespaces, no keyrings, and
 * none of the kernel's parts that no build needs (see denied-calls.ts). util-linux before 2.41 has no program for
 * that, so it has to be this process, and it is for good. What this program itself starts as root needs none of these calls. Call it
 * on the main thread, from which commands are started. It costs the commands nothing: the kernel (since 5.11) remembers which calls a
 * filter always allows.
 * @returns false where koffi is missing, the machine's calls are not known, or the kernel has no filters
 */
export function confineThread(): Promise<boolean> {
  confined ??= confine().then((done) => (isConfined = done));
  return confined;
}

/** Whether {@link confineThread} has put its filter on. */
export function isThreadConfined(): boolean {
  return isConfined;
}

async function confine(): Promise<boolean> {
  const architectures = ARCHITECTURES[arch()];
  const known = process.platform === 'linux' && architectures?.[0]?.bigEndian === (endianness() === 'BE');
  if (architectures === undefined || !known) return false;
  try {
    const { default: koffi } = await import('koffi');
    const program = filterProgram(architectures);
    const filter = encodeFilter(program, endianness() === 'BE');
    const type = koffi.struct({ len: 'uint16_t', filter: 'const uint8_t *' });
    const prctl = koffi
      .load(null)
      .func('prctl', 'int', ['int', 'unsigned long', koffi.pointer(type), 'unsigned long', 'unsigned long']);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { len: program.length, filter }, 0, 0) === 0;
  } catch {
    return false; // No koffi, or no binary of it for this machine.
  }
}
