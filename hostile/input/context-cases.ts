import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTar } from '../../packages/oci/testing/make-tar.ts';
import { buildCase } from './build-case.ts';
import { demand, Harmed } from './case.ts';
import type { HostileCase, Site } from './case.ts';
import { dir, file, hardlink, symlink } from './layer-case.ts';

const replaced = (context: string, name: string): string => {
  rmSync(join(context, name), { force: true });
  return join(context, name);
};
const linksOut = (context: string, { canary }: Site): void => {
  symlinkSync(canary.path, join(context, 'out'));
  mkdirSync(join(context, 'sub'));
  symlinkSync(join(canary.path, 'secret.txt'), join(context, 'sub/file'));
  symlinkSync(`${'../'.repeat(24)}${canary.path.slice(1)}`, join(context, 'sub/up'));
};
const MISSING = /not found|no such|outside|not a regular file|nothing/i;

const CONTEXT: readonly HostileCase[] = [
  buildCase('D1', 'a file through a linked folder of the context', 'FROM scratch\nCOPY out/secret.txt /\n', {
    prepare: linksOut,
    refused: MISSING,
  }),
  buildCase('D1', 'a file through a relative link out of the context', 'FROM scratch\nCOPY sub/up/secret.txt /\n', {
    prepare: linksOut,
    refused: MISSING,
  }),
  buildCase('D1', 'a link that leads out, by name', 'FROM scratch\nCOPY sub/file /\n', {
    prepare: linksOut,
    refused: MISSING,
  }),
  buildCase('D1', 'a linked folder, by name', 'FROM scratch\nCOPY out /x/\n', { prepare: linksOut, refused: MISSING }),
  buildCase('D1', 'the whole context, with links out of it: they stay links', 'FROM scratch\nCOPY . /x/\n', {
    prepare: linksOut,
    check: ({ layer }, { canary }) => demand('link', layer.includes(`x/out -> ${canary.path}`), true),
  }),
  buildCase('D1', 'a source above the context', 'FROM scratch\nCOPY ../../../CANARY/secret.txt /\n', {
    refused: MISSING,
  }),
  buildCase('D2', 'CVE-2026-44517: the Dockerfile is a link out of the context; its target is not repeated', '', {
    prepare: (context, { canary }) => symlinkSync(join(canary.path, 'secret.txt'), replaced(context, 'Dockerfile')),
    refused: /link out of the context/,
  }),
  buildCase('D2', 'the Dockerfile is a fifo', '', {
    prepare: (context) => execFileSync('mkfifo', [replaced(context, 'Dockerfile')]),
    refused: /fifo|regular file/,
  }),
  buildCase('D2', 'the Dockerfile is a folder', '', {
    prepare: (context) => mkdirSync(replaced(context, 'Dockerfile')),
    refused: /directory|regular file/,
  }),
  buildCase('D2', '.dockerignore is a fifo', 'FROM scratch\nCOPY . /\n', {
    prepare: (context) => execFileSync('mkfifo', [join(context, '.dockerignore')]),
    refused: /dockerignore/,
  }),
  buildCase('D3', 'an ignored file by its exact name', 'FROM scratch\nCOPY secret /\n', {
    prepare: (context, { canary }) => {
      writeFileSync(join(context, 'secret'), canary.secret);
      writeFileSync(join(context, '.dockerignore'), '\ufeffsecret\r\n');
    },
    refused: MISSING,
  }),
  buildCase('D3', 'an ignored file by a wildcard', 'FROM scratch\nCOPY * /\n', {
    prepare: (context, { canary }) => {
      writeFileSync(join(context, 'secret'), canary.secret);
      writeFileSync(join(context, '.dockerignore'), './secret/\n');
    },
  }),
  buildCase('D10', 'fifos and names that no terminal should see', 'FROM scratch\nCOPY . /x/\n', {
    prepare: (context) => {
      execFileSync('mkfifo', [join(context, 'pipe')]);
      writeFileSync(join(context, '\u001b]0;evil\u0007'), '');
      writeFileSync(Buffer.concat([Buffer.from(join(context, 'n')), Buffer.of(0xff, 0xfe)]), '');
    },
  }),
  buildCase('D16', 'ADD of a file URL', 'FROM scratch\nADD file:///etc/passwd /\n', {
    refused: /file:|not found|no such/,
  }),
  buildCase(
    'D16',
    'CVE-2018-1000115: ADD of a git option',
    'FROM scratch\nADD --keep-git-dir=true --upload-pack=touch${IFS}CANARY/x git://x/y.git /\n',
    { refused: /upload-pack|flag|unknown/ },
  ),
  buildCase('D17', 'ADD of an archive with links and files that lead out', 'FROM scratch\nADD evil.tar /x/\n', {
    prepare: (context, { canary }) =>
      writeFileSync(
        join(context, 'evil.tar'),
        makeTar([
          symlink('a', canary.path),
          file('a/secret.txt'),
          file(`${'../'.repeat(24)}${canary.path.slice(1)}/evil`),
          file(`${canary.path}/evil2`),
        ]),
      ),
  }),
  buildCase('D17', 'ADD of an archive with a hard link out', 'FROM scratch\nADD evil.tar /x/\n', {
    prepare: (context, { canary }) =>
      writeFileSync(join(context, 'evil.tar'), makeTar([hardlink('a', `${canary.path}/secret.txt`)])),
    refused: /hard link/,
  }),
  buildCase(
    'D19',
    'CVE-2024-23653: a foreign frontend is not run',
    '# syntax=127.0.0.1:1/evil/frontend\nFROM scratch\nCOPY file.txt /\n',
  ),
];

const hasNo = (what: string, text: string): void => {
  if (text.includes(what)) throw new Harmed(`${what} came out`);
};

const IMAGE: readonly HostileCase[] = [
  buildCase(
    'D4',
    'COPY --from through a link of the stage to the host',
    'FROM scratch\nCOPY --from=evil:1 /out/secret.txt /\n',
    { image: (c) => [symlink('out', c)], refused: MISSING },
  ),
  buildCase('D4', 'COPY --from with a wildcard through a link', 'FROM scratch\nCOPY --from=evil:1 /out/* /x/\n', {
    image: (c) => [symlink('out', `${'../'.repeat(24)}${c.slice(1)}`)],
  }),
  buildCase(
    'D4',
    'COPY --from of a link to the root, and the host behind it',
    'FROM scratch\nCOPY --from=evil:1 /outCANARY/secret.txt /\n',
    { image: () => [symlink('out', '/')], refused: MISSING },
  ),
  buildCase(
    'D5',
    'CVE-2019-14271: COPY to a link of the image that leads to the host',
    'FROM evil:1\nCOPY file.txt /app/\nCOPY file.txt /app/secret.txt\n',
    {
      image: (c) => [symlink('app', c)],
      check: ({ layer }, { canary }) => demand('place', layer.at(-1), `${canary.path.slice(1)}/secret.txt=harmless\n`),
    },
  ),
  buildCase(
    'D5',
    'ADD of an archive to a link of the image that leads to the host',
    'FROM evil:1\nADD evil.tar /app/\n',
    {
      image: (c) => [symlink('app', c)],
      prepare: (context) =>
        writeFileSync(join(context, 'evil.tar'), makeTar([file('evil'), dir('folder', { mode: 0o777 })])),
    },
  ),
  buildCase(
    'D5',
    'WORKDIR through a link of the image that leads to the host',
    'FROM evil:1\nWORKDIR /app/x\nWORKDIR /app/folder\n',
    { image: (c) => [symlink('app', c)] },
  ),
  buildCase(
    'D5',
    'COPY --chown by a name of a passwd that is a link to the host',
    'FROM evil:1\nCOPY --chown=daemon file.txt /\n',
    { image: () => [symlink('etc/passwd', `${'../'.repeat(24)}etc/shadow`)] },
  ),
  ...[3, 7, 20].map((n) =>
    buildCase(
      'D6',
      `CVE-2024-21626: WORKDIR /proc/self/fd/${n}`,
      `FROM busybox\nWORKDIR /proc/self/fd/${n}\nRUN cat ../../../../../../..CANARY/secret.txt\n`,
      { runs: true, refused: /proc/ },
    ),
  ),
  buildCase(
    'D6',
    'CVE-2024-21626: a link of the image to /proc/self/fd/7',
    'FROM evil:1\nWORKDIR /wd\nRUN cat ../../../../..CANARY/secret.txt\n',
    { runs: true, image: () => [symlink('wd', '/proc/self/fd/7')], refused: /proc|exit code|No such/i },
  ),
  buildCase(
    'D6',
    'CVE-2016-9962: descriptors of the builder',
    'FROM busybox\nRUN for d in /proc/self/fd/*; do [ ! -e $d ] || [ -p $d ] || [ "$(readlink $d)" = /dev/null ] || exit 7; done\n',
    { runs: true },
  ),
  buildCase(
    'D7',
    'CVE-2024-9676: USER with a passwd that is a link to the host',
    'FROM evil:1\nUSER nobody\nRUN id\n',
    { runs: true, image: (c) => [symlink('etc/passwd', `${c}/secret.txt`)], refused: /passwd|user/ },
  ),
  buildCase('D7', 'CVE-2024-9676: USER with a passwd that is a fifo', 'FROM evil:1\nUSER nobody\nRUN id\n', {
    runs: true,
    image: () => [{ name: 'etc/passwd', type: '6' }],
    refused: /passwd|user/,
  }),
  buildCase('D7', 'USER with a passwd of wild numbers', 'FROM evil:1\nUSER a\nRUN id\n', {
    runs: true,
    image: () => [file('etc/passwd', { content: 'a:x:-1:99999999999999999999:::\n' })],
    refused: /passwd|user|range/,
  }),
  buildCase('D7', 'CVE-2022-36109: the groups of a user hold its own', 'FROM busybox\nUSER app\nRUN id -G\n', {
    runs: true,
    check: ({ output }) => demand('groups', output.trim(), '1000 1001'),
  }),
  buildCase(
    'R13',
    'escape codes in what a command says are kept as data',
    "FROM busybox\nRUN printf '\\033]0;evil\\007'\n",
    { runs: true, check: ({ output }) => demand('bytes', output, '\u001b]0;evil\u0007') },
  ),
  buildCase('R19', 'a command makes a file that means a removal', 'FROM busybox\nRUN touch /etc/.wh.passwd\n', {
    runs: true,
    refused: /\.wh\./,
  }),
  buildCase(
    'R19',
    'a command makes a file that means to empty a folder',
    'FROM busybox\nRUN touch /etc/.wh..wh..opq\n',
    { runs: true, refused: /\.wh\./ },
  ),
  buildCase('R8', 'CVE-2021-3602: the environment of the builder', 'FROM busybox\nRUN env; cat /proc/1/environ\n', {
    runs: true,
    prepare: (_, { canary }) => {
      process.env['HOSTILE_CANARY'] = canary.secret;
    },
    check: ({ output }, { canary }) => {
      delete process.env['HOSTILE_CANARY'];
      hasNo(canary.secret, output);
    },
  }),
];

/** Contexts, Dockerfiles and images that want what lies outside of them. */
export const CONTEXT_CASES: readonly HostileCase[] = [...CONTEXT, ...IMAGE];
