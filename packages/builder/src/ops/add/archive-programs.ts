import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decompress, sniffCompression } from '@tsbuild/oci/node';
import { BuildError } from '../../diagnostics/build-error.ts';

/** What an archive may unpack to; more is a bomb. */
export const MAX_BYTES = 256 * 1024 ** 3;

/** The program that decompresses what no library here does is not installed. */
export class ProgramMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`the program ${program} is not installed`);
    this.name = 'ProgramMissing';
    this.program = program;
  }
}

/**
 * The plain bytes of a possibly compressed archive: gzip, zstd, and bzip2 and xz by the programs of these names. `head`
 * holds its first bytes, six or more.
 * @throws ProgramMissing; OciError of {@link decompress}; BuildError `COPY_FAILED` for damaged data
 */
export function decompressArchive(
  head: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const compression = sniffCompression(head);
  return compression === 'xz' || compression === 'bzip2'
    ? throughProgram(compression, source)
    : decompress(source, { maxBytes: MAX_BYTES });
}

async function* throughProgram(
  program: 'xz' | 'bzip2',
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  const fed = pipeline(input, child.stdin);
  // A program that stopped early closes its input; why is told by its exit.
  fed.catch(() => undefined);
  let size = 0;
  try {
    for await (const chunk of child.stdout) {
      size += (chunk as Buffer).length;
      if (size > MAX_BYTES) throw new BuildError('COPY_FAILED', `the archive unpacks to more than ${MAX_BYTES} bytes`);
      yield chunk as Buffer;
    }
    const [code] = (await ended) as [number | null];
    if (code !== 0) {
      await fed;
      throw new BuildError('COPY_FAILED', `damaged ${program} data: ${said.trim().split('\n')[0] ?? ''}`);
    }
  } catch (error) {
    throw isMissing(error) ? new ProgramMissing(program) : error;
  } finally {
    input.destroy();
    child.kill('SIGKILL');
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'syscall' in error;
}
