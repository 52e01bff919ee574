import { chmodSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarOf } from '../packages/builder/testing/tar-of.ts';

/** The time of every build, seconds since 1970. */
export const EPOCH = 1_700_000_000;

/**
 * Everything by which a builder could let the machine into an image. Stage `plain` is for those who have one user id only;
 * the last one gives files to others, too.
 */
const DOCKERFILE = `FROM busybox AS tools
WORKDIR /tools/deep/er
ADD archive.tar.gz /tools/archive/
RUN --mount=type=cache,target=/cache echo once >>/cache/log && mkdir bin \\
 && for i in 9 1 5 30 2 zebra Apple apple ant éclair Zulu İstanbul; do echo "tool $i" >"bin/$i"; done \\
 && ln bin/9 bin/nine && ln -s ../bin/1 bin/one
RUN stat -c '%n %Y %a %u' bin/* >listing

FROM busybox AS plain
ENV PATH=/tools:/bin
WORKDIR /app
COPY . .
COPY --chmod=u=rwx,go=rx scripts/ /usr/local/scripts/
COPY --from=tools /tools /tools
COPY <<-CONF /etc/app.conf
	of = heredoc
	CONF
ADD archive.tar.gz /opt/archive/
RUN <<EOF
set -e
umask >/app/umask
mkdir -p made/a/b/c made/gone
touch -d @1600000000 made/old
touch -d @4000000000 made/later
dd if=/dev/zero of=made/sparse bs=1 count=1 seek=100000 2>/dev/null
mkfifo made/fifo
echo x >"$(printf 'made/not-utf8-\\\\377')"
for i in $(seq 1 200); do echo $i >made/a/$i; done
EOF
RUN rm -r made/gone scripts && mkdir scripts && echo new >scripts/new && rm /etc/os-release && mv made/a moved
RUN find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /etc/hosts -o -path /etc/resolv.conf -o -path /times \\) -prune \\
 -o ! -type d -exec stat -c '%n %Y %a %h' {} + | sort >/times
RUN --network=none echo "$(hostname) $(id -u) $(pwd) \${TZ-no zone} \${LANG-no language}" >/seen && env | sort >>/seen
LABEL of=plain
CMD ["cat", "/times"]

FROM plain AS owned
COPY --chown=www-data:users scripts/ /srv/
RUN chown -R 33:100 moved && cp /bin/busybox /suid && chmod 4755 /suid && mkdir -m 1777 /sticky && chown 12:34 /sticky
RUN chmod 700 /opt/archive/capable && ln /opt/archive/capable /opt/archive/again
USER 33:33
RUN id -u >/tmp/id && mkdir -p /tmp/a/b
`;

/** Plain text, so that two checkouts differ by nothing but times. */
const FILES: Readonly<Record<string, string>> = {
  Dockerfile: DOCKERFILE,
  '.dockerignore': 'ignored\n',
  'ignored/file': 'not copied\n',
  'scripts/start': '#!/bin/sh\n',
  'scripts/sub/stop': '#!/bin/sh\n',
  'src/index.js': 'console.log("hello");\n',
  'src/Übung.txt': 'sorted by bytes\n',
  'src/a-b': 'before a/c by names, behind it by paths\n',
  'src/a/c': 'c\n',
  'src/İ': 'a dotted capital I\n',
  'empty/.keep': '',
  'big.bin': 'tsbuild '.repeat(100_000),
};

const EXECUTABLE = new Set(['scripts/start', 'scripts/sub/stop']);

/**
 * Writes the project as a checkout would, whole modes and all; a folder lists its files in the order in which they were
 * made, so that one is reversed in another checkout. `seconds`: the time of all files, since 1970.
 */
export function checkOut(folder: string, seconds: number, order: 'forth' | 'back'): void {
  const files: [string, string | Uint8Array][] = [...Object.entries(FILES), ['archive.tar.gz', archive()]];
  for (const [name, content] of order === 'forth' ? files : files.toReversed()) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, EXECUTABLE.has(name) ? 0o755 : 0o644);
    lutimesSync(path, seconds, seconds + 0.123);
  }
  symlinkSync('src/index.js', join(folder, 'link'));
  lutimesSync(join(folder, 'link'), seconds, seconds);
  for (const name of ['src/a', 'src', 'scripts/sub', 'scripts', 'empty', 'ignored', '']) {
    chmodSync(join(folder, name), 0o755);
    lutimesSync(join(folder, name), seconds, seconds);
  }
}

/** Owners, old and new times, links, a capability and a long name, as archives have them. */
function archive(): Uint8Array {
  const long = `${'long-name/'.repeat(14)}file`;
  const capability = new Map([['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')]]);
  const tar = tarOf([
    { path: 'folder/', mode: 0o2775, uid: 33, gid: 100, mtime: { seconds: 1_500_000_000, nanoseconds: 5 } },
    { path: 'folder/owned', content: 'of www-data', uid: 33, gid: 33 },
    { path: 'folder/again', type: 'hardlink', linkPath: 'folder/owned', uid: 33, gid: 33 },
    { path: 'later', content: 'from the future', mtime: { seconds: 2_000_000_000, nanoseconds: 0 } },
    { path: 'ancient', content: 'before 1970', mtime: { seconds: -86_400, nanoseconds: 0 } },
    { path: 'capable', content: '#!/bin/sh', mode: 0o755, xattrs: capability },
    { path: 'link', type: 'symlink', linkPath: 'folder/owned' },
    { path: long, content: 'a long name' },
  ]);
  // zlib's header names the system that wrote it: the tenth byte is the same for all.
  return gzipSync(tar);
}
