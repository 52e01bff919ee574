import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One member as a judge sees it; names as every byte string that its reading may stand for. */
export interface JudgedMember {
  readonly names: readonly string[];
  readonly linkNames: readonly string[];
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Null for what is no number. */
  readonly mtime: number | null;
}

/** What a judge says of an archive: its members, or why it refuses. */
export type Judgement = { readonly members: readonly JudgedMember[] } | { readonly refusal: string };

/** Python decodes PAX names as UTF-8, else as Latin-1; both ways back are given. */
const PROGRAM = `
import io, json, math, struct, sys, tarfile
def forms(text):
    out = []
    for encoding in ('utf-8', 'latin-1'):
        try: out.append(text.encode(encoding, 'surrogateescape').decode('latin-1'))
        except UnicodeError: pass
    return out
TYPES = {b'0': 'file', b'\\0': 'file', b'1': 'hardlink', b'2': 'symlink', b'3': 'char', b'4': 'block', b'5': 'directory', b'6': 'fifo'}
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: break
    data = sys.stdin.buffer.read(struct.unpack('<I', head)[0])
    try:
        archive = tarfile.open(fileobj=io.BytesIO(data), mode='r:', encoding='latin-1', errors='strict')
        members = [dict(names=forms(m.name), linkNames=forms(m.linkname), type=TYPES.get(m.type, '?'), size=m.size, mode=m.mode & 0o7777,
                        uid=m.uid, gid=m.gid, mtime=float(m.mtime) if math.isfinite(m.mtime) else None) for m in archive]
        answer = dict(members=members)
    except Exception as error:
        answer = dict(refusal=type(error).__name__ + ': ' + str(error)[:200])
    print(json.dumps(answer), flush=True)
`;

export function pythonIsMissing(): string | undefined {
  return spawnSync('python3', ['-c', 'import tarfile']).status === 0 ? undefined : 'python3 is not installed';
}

/** Python's tarfile, kept running. */
export class PythonJudge {
  readonly #child = spawn('python3', ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
  readonly #answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();

  async judge(archive: Uint8Array): Promise<Judgement> {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(archive.length);
    this.#child.stdin.write(Buffer.concat([head, archive]));
    const answer = await this.#answers.next();
    if (answer.done === true) throw new Error('python3 has ended');
    return JSON.parse(answer.value) as Judgement;
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The names that GNU tar lists; undefined when it refuses, or complains of anything. */
export function gnuNames(archive: Uint8Array): readonly string[] | undefined {
  const { status, stdout, stderr } = spawnSync('tar', ['-tPf', '-', '--quoting-style=escape'], {
    input: archive,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0 || stderr.length > 0) return undefined;
  const unescaped = (line: string): string =>
    line.replace(/\\(?:([0-7]{3})|(.))/g, (_, octal?: string, char = '') =>
      octal === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(octal, 8)),
    );
  return stdout.toString('latin1').split('\n').slice(0, -1).map(unescaped);
}
