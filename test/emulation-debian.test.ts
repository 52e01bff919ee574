import { execFileSync } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ordinaryUser } from '../packages/builder/testing/ordinary-user.ts';
import { foreign, foreignObstacle } from './support/foreign.ts';
import { contextOf, tsbuild } from './support/tsbuild.ts';

const MAKE = fileURLToPath(new URL('../fixtures/foreign/debian.mjs', import.meta.url));

/** The tar of the system, if it was made before: that takes minutes. */
function made(): string {
  return execFileSync(process.execPath, [MAKE, '--made'], { encoding: 'utf8' }).trim();
}

const obstacle = foreignObstacle() ?? (made() === '' ? 'node fixtures/foreign/debian.mjs makes it' : undefined);

/** Dynamic programs, an interpreter, and packages whose scripts run; then one that is set-user-ID. */
const DOCKERFILE = `FROM scratch
ADD system.tar /
RUN dpkg --print-architecture && apt-get --version | head -1 && bash -c 'echo bash $(uname -m) $((6 * 7))' && perl -e 'print "perl $^O\\n"'
RUN printf 'root:x:0:0:root:/root:/bin/bash\\nnobody:x:65534:65534::/:/bin/sh\\n' >/etc/passwd && printf 'root:x:0:\\n' >/etc/group && \\
  printf 'nobody:*:19000:0:99999:7:::\\n' >/etc/shadow && chmod 600 /etc/shadow && cd /var/cache/apt/archives && \\
  { dpkg --install --force-depends gcc-12-base_*.deb libc6_*.deb; dpkg-query -W -f '\${Package} \${Architecture} \${db:Status-Abbrev}\\n' libc6; }
USER nobody
RUN id -u; cat /etc/shadow; passwd --status
`;

describe.skipIf(obstacle !== undefined)(`a whole Debian for another platform (${obstacle ?? 'emulated'})`, () => {
  it.each([
    ['root', undefined],
    ['an ordinary user', 'subordinate'],
  ] as const)('runs its programs and installs its packages as %s', { timeout: 400_000 }, async (_, ids) => {
    const { env } = await foreign();
    const builder = await tsbuild({ bases: false, ...(ids === undefined ? {} : { user: ordinaryUser(ids) }) });
    const context = await contextOf({ Dockerfile: DOCKERFILE });
    await cp(made(), join(context, 'system.tar'));
    const args = ['build', '--progress', 'plain', '--platform', 'linux/arm64', context];
    const { exitCode, stderr } = await builder.run(args, { env });
    expect(exitCode, stderr).toBe(0);
    const said = stderr.replaceAll(/^#\d+ [\d.]+ /gm, '');
    for (const line of ['arm64', 'bash aarch64 42', 'perl linux', 'libc6 arm64 ii', '65534'])
      expect(said).toContain(`\n${line}\n`);
    // The file is root's, and passwd is set-user-ID.
    expect(said).toMatch(/^cat: \/etc\/shadow: Permission denied\n(?:.*\n)*?nobody L /m);
    expect(said).toMatch(/^apt \d\S* \(arm64\)$/m);
  });
});
