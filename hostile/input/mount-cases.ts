import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildCase } from './build-case.ts';
import { demand } from './case.ts';
import type { HostileCase } from './case.ts';
import { dir, file, symlink } from './layer-case.ts';

const LINK = /symlink|is a link|no directory|not a directory|not found|no such/i;

/** Places of the image that the sandbox mounts on, as links to the host. */
const PLACES: readonly HostileCase[] = [
  ...(['proc', 'sys', 'dev'] as const).map((name) =>
    buildCase(
      'R3',
      `${name === 'dev' ? 'CVE-2026-41579' : 'CVE-2019-19921'}: /${name} of the image is a link to the host`,
      'FROM evil:1\nRUN true\n',
      { runs: true, image: (c) => [symlink(name, `${c}/folder`)], refused: /symlink/ },
    ),
  ),
  buildCase(
    'R3',
    'CVE-2025-31133: /dev/null of the image is a file, and stands in for nothing',
    'FROM evil:1\nRUN test -c /dev/null && ! test -s /proc/kcore && ! test -s /proc/keys\n',
    { runs: true, image: () => [file('dev/null')] },
  ),
  buildCase(
    'R3',
    'CVE-2025-52565: /dev/console and /dev/pts of the image are links to the host',
    'FROM evil:1\nRUN ls -l /dev/pts /dev/ptmx && echo x > /dev/pts/x; test ! -L /dev/pts\n',
    { runs: true, image: (c) => [symlink('dev/pts', c), symlink('dev/console', `${c}/secret.txt`)] },
  ),
  buildCase('R3', 'CVE-2023-28642: /etc of the image is a link to the host', 'FROM evil:1\nRUN cat /etc/hosts\n', {
    runs: true,
    image: (c) => [symlink('etc', `${c}/folder`)],
  }),
  buildCase(
    'R3',
    '/etc/resolv.conf and /etc/hosts of the image are links to the host',
    'FROM evil:1\nRUN cat /etc/resolv.conf /etc/hosts; echo x >> /etc/hosts || true\n',
    {
      runs: true,
      image: (c) => [
        symlink('etc/resolv.conf', `${c}/secret.txt`),
        symlink('etc/hosts', `${'../'.repeat(24)}${c.slice(1)}/folder/inner.txt`),
      ],
    },
  ),
  buildCase(
    'R3',
    'CVE-2025-52881: a command gives its writes to /proc another place',
    'FROM busybox\nRUN ! mount -t tmpfs x /proc/self/attr 2>/dev/null; ! echo x > /proc/sysrq-trigger\n',
    { runs: true },
  ),
];

/** RUN --mount with sources and targets that lead out. */
const MOUNTS: readonly HostileCase[] = [
  buildCase(
    'D8',
    'CVE-2024-1753: a bind mount whose source is a link to the root of the host',
    'FROM evil:1 AS base\nFROM busybox\nRUN --mount=type=bind,from=base,source=/rootdir,target=/host,rw cat /hostCANARY/secret.txt\n',
    { runs: true, image: () => [symlink('rootdir', '/')], refused: /exit code|No such|not found/i },
  ),
  buildCase(
    'D8',
    'CVE-2024-1753: the same out of the context',
    'FROM busybox\nRUN --mount=type=bind,source=rootdir,target=/host,rw cat /hostCANARY/secret.txt /host/secret.txt\n',
    { runs: true, prepare: (context, { canary }) => symlinkSync(canary.path, join(context, 'rootdir')), refused: LINK },
  ),
  buildCase(
    'D8',
    'CVE-2024-9675: a cache mount named like a path',
    'FROM busybox\nRUN --mount=type=cache,id=../../../../../CANARY,target=/c touch /c/evil; cat /c/secret.txt || true\n',
    { runs: true },
  ),
  buildCase(
    'D8',
    'CVE-2024-9675: a cache mount whose source is a link to the host',
    'FROM evil:1 AS base\nFROM busybox\nRUN --mount=type=cache,from=base,source=/out,target=/c cat /c/secret.txt\n',
    { runs: true, image: (c) => [symlink('out', c)], refused: /exit code|No such|not found|symlink/i },
  ),
  buildCase(
    'D8',
    'CVE-2024-23651: a cache that a command makes a link, then mounted below',
    'FROM busybox\nRUN --mount=type=cache,id=evil23651,target=/c mkdir -p /c/d && ln -s CANARY /c/sub\nRUN --mount=type=cache,id=evil23651,target=/c,source=sub cat /c/secret.txt\n',
    { runs: true, refused: /cannot start from "sub"/ },
  ),
  buildCase(
    'D8',
    'CVE-2024-11218: a mount whose target is a link of the image to the host',
    'FROM evil:1\nRUN --mount=type=tmpfs,target=/app touch /app/evil\nRUN --mount=type=cache,target=/app/folder touch /app/folder/evil\n',
    { runs: true, image: (c) => [symlink('app', c)] },
  ),
  buildCase(
    'D8',
    'CVE-2024-9407: options of the kernel in a mount',
    'FROM busybox\nRUN --mount=type=bind,source=.,target=/x,bind-propagation=shared true\n',
    { runs: true, refused: /bind-propagation/ },
  ),
  buildCase(
    'D8',
    'an option with a comma and a newline for mount(8)',
    'FROM evil:1\nRUN --mount=type=tmpfs,target="/a b\\012/dev/null CANARY none bind" true\n',
    { runs: true, image: () => [dir('a')] },
  ),
  buildCase(
    'D9',
    'CVE-2024-23652: the folder of a mount becomes a link to the host while the command runs',
    'FROM busybox\nRUN --mount=type=tmpfs,target=/a/folder/c rm -rf /a/x; mv /a /moved; ln -s CANARY /a\n',
    { runs: true },
  ),
  buildCase(
    'R17',
    'a bind mount that is written to leaves its source as it was',
    'FROM busybox\nRUN --mount=type=bind,source=.,target=/x,rw echo evil > /x/file.txt && rm /x/Dockerfile\nRUN --mount=type=bind,source=.,target=/x cat /x/file.txt\n',
    { runs: true, check: ({ output }) => demand('source', output, 'harmless\n') },
  ),
  buildCase(
    'R15',
    'a mount leaves no stub in the layer',
    'FROM busybox\nRUN --mount=type=tmpfs,target=/deep/er/mount --mount=type=secret,id=none,target=/run/x true\n',
    { runs: true, check: ({ layer }) => demand('layer', layer, []) },
  ),
];

/** Attacks on what the sandbox mounts. */
export const MOUNT_CASES: readonly HostileCase[] = [...PLACES, ...MOUNTS];
