import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LayerWriter, Layout, MediaType, encodeImageConfig, parseReference } from '@tsbuild/oci/node';
import { tsbuild } from '../testing-host.ts';

/** Names that attack: markup, ends of elements, ends of lines, marks that reorder text, bytes that are no text, what hides. */
const HOSTILE_TEXTS = [
  '</script><img src=x onerror=alert(1)>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "');alert(1);'",
  'line\nfeed',
  'gpj.\u202eexe',
  '\u2066hidden\u200b\u2069',
  '\u{1f600} face',
  '${alert(1)}{{alert(1)}}',
  '\x1b[2Jcleared',
  'n'.repeat(255),
  `${'d/'.repeat(400)}deep`,
  'é'.repeat(100),
];
export const HOSTILE_NAMES: readonly Buffer[] = [
  ...HOSTILE_TEXTS.map((name) => Buffer.from(name)),
  Buffer.from('\xff\xfe\x80bytes', 'latin1'),
];

const DOCKERFILE = `FROM base:1
WORKDIR /app
ENV API_TOKEN=hunter2hunter2 NODE_ENV=production
COPY lib lib
COPY --chown=1000:1000 lib lib
COPY lib /srv/lib
COPY hostile hostile
COPY state.new state
LABEL "</script><script>alert(1)</script>"="<img src=x onerror=alert(1)>" gpj="\u202eexe"
CMD ["/app/<b>run</b>"]
`;

/** Images `base:1` and `app:1`, built by this store, with every kind of waste that COPY makes and with hostile names. */
export async function buildSamples(root: string, context: string): Promise<void> {
  const files: readonly (readonly [string | Buffer, string | Buffer])[] = [
    ['Dockerfile', DOCKERFILE],
    ['base.Dockerfile', 'FROM scratch\nCOPY base /\n'],
    ['base/etc/passwd', 'root:x:0:0\n'],
    ['base/usr/lib/base.so', Buffer.alloc(60_000, 1)],
    ['base/app/state', Buffer.alloc(20_000, 2)],
    ['lib/one.js', Buffer.alloc(40_000, 3)],
    ['lib/two.js', Buffer.alloc(30_000, 4)],
    ['state.new', Buffer.alloc(10_000, 5)],
    ...HOSTILE_NAMES.map((name) => [Buffer.concat([Buffer.from('hostile/'), name]), 'x'] as const),
  ];
  for (const [name, content] of files) {
    const path = Buffer.concat([Buffer.from(`${context}/`), Buffer.from(name)]);
    await mkdir(Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true });
    await writeFile(path, content);
  }
  for (const words of [
    ['-f', join(context, 'base.Dockerfile'), '-t', 'base:1'],
    ['-t', 'app:1'],
  ]) {
    const { code, stderr } = await tsbuild(['build', ...words, context], { root });
    if (code !== 0) throw new Error(stderr);
  }
}

/** An image with one layer of so many empty files, a hundred in each directory. */
export async function addLargeImage(root: string, name: string, files: number): Promise<void> {
  const layout = await Layout.open(root, { create: true });
  const writer = new LayerWriter(await layout.blobs.create());
  const plain = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } };
  for (let i = 0; i < files; i++) {
    const group = String(Math.floor(i / 10_000)).padStart(3, '0');
    const path = `opt/packages-${group}/module-${String(Math.floor(i / 100)).padStart(6, '0')}/lib/file-${i}.js`;
    writer.add({ ...plain, path, type: 'file' });
    if (i % 5000 === 0) await writer.rest();
  }
  const { digest, size } = await writer.finish();
  const config = encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [{ created_by: 'COPY packages /opt' }],
  });
  await layout.add({ config, layers: [{ mediaType: MediaType.ociLayer, digest, size }] }, [parseReference(name)]);
}
