import type { Probe } from './probe.ts';

const ONE_ID = { 'user, single id': 'one id only: other owners cannot be had' } as const;
const NO_NODES = {
  'user, subuids': 'a user namespace cannot make device nodes',
  'user, single id': 'a user namespace cannot make device nodes',
} as const;

/** What a Dockerfile may count on: everything here works in BuildKit, too. */
export const FEATURES: readonly Probe[] = [
  {
    name: 'apt-get',
    needs: ['apt-get'],
    lacking: ONE_ID,
    script: 'apt-get -o Dir::Etc::sourcelist=/dev/null update && apt-get check',
  },
  { name: 'dpkg', needs: ['dpkg-divert'], script: 'dpkg-divert --add --rename --divert /x.d /x && dpkg -l >/dev/null' },
  {
    name: 'useradd',
    needs: ['useradd'],
    lacking: ONE_ID,
    script: 'useradd -m bob && test "$(stat -c %U /home/bob)" = bob',
  },
  {
    name: 'su',
    needs: ['su'],
    lacking: ONE_ID,
    script: 'u="$(su -s /bin/sh nobody -c "id -u")" && test -n "$u" && test "$u" != 0',
  },
  {
    name: 'a setuid program gives its owner’s rights',
    needs: ['perl', 'su'],
    lacking: ONE_ID,
    script: 'cp "$(command -v id)" /suid && chmod 4755 /suid && test "$(su -s /bin/sh nobody -c "/suid -u")" = 0',
  },
  {
    name: 'setcap',
    needs: ['perl'],
    // setxattr(2) and lgetxattr(2) as setcap calls them: minimal images have no setcap. (Perl hands no literals to calls.)
    script: `cp /bin/true /t1 && perl -e 'my ($set, $get) = qx(uname -m) =~ /aarch64/ ? (5, 9) : (188, 192); my ($p, $n, $v, $b) = ("/t1\\0", "security.capability\\0", pack("V5", 0x02000001, 0x2000, 0, 0, 0), "\\0" x 64); exit 1 if syscall($set, $p, $n, $v, 20, 0) != 0; exit(syscall($get, $p, $n, $b, 64) >= 20 ? 0 : 1)'`,
  },
  {
    name: 'chown to other ids',
    lacking: ONE_ID,
    script: 'touch /c && chown 33:44 /c && test "$(stat -c %u:%g /c)" = 33:44',
  },
  { name: 'mknod makes nodes that open nothing', lacking: NO_NODES, script: 'mknod /n1 c 1 3 && ! head -c1 /n1' },
  { name: 'fifos and unix sockets', script: 'mkfifo /n2 && test -p /n2; (echo x >/n2 &) ; test "$(cat /n2)" = x' },
  {
    name: '/dev is what programs expect',
    script:
      'for d in null zero full random urandom tty; do test -c /dev/$d || exit 1; done; echo x >/dev/null; test "$(head -c4 /dev/zero | wc -c)" = 4; echo a >/dev/stdout; echo b >/dev/stderr; test -e /dev/ptmx && test -d /dev/pts && test "$(ls -l /dev/fd)"',
  },
  { name: '/dev/shm', script: 'echo x >/dev/shm/x && test "$(stat -c %a /dev/shm)" = 1777' },
  {
    name: 'umask 022, an empty stdin, / as the folder',
    script: 'test "$(umask)" = 0022 && test -z "$(cat)" && test "$(pwd)" = /',
  },
  { name: 'a pid namespace of its own', script: 'test "$(ls /proc | grep -c "^[0-9]*$")" -lt 12 && test -d /proc/1' },
  { name: 'a hostname of its own', script: 'test "$(cat /proc/sys/kernel/hostname)" = buildkitsandbox' },
  {
    name: 'masked and read-only parts of /proc',
    script:
      '! head -c1 /proc/kcore | grep -q . && test ! -s /proc/keys && ! echo 1 >/proc/sys/kernel/printk && ! touch /sys/x',
  },
  {
    name: '/etc/hosts and /etc/resolv.conf',
    script: 'grep -q localhost /etc/hosts && grep -q buildkitsandbox /etc/hosts && test -f /etc/resolv.conf',
  },
  { name: '--network none has loopback only', options: '--network=none', script: 'test "$(ls /sys/class/net)" = lo' },
  { name: '/tmp is sticky', script: 'test "$(stat -c %a /tmp)" = 1777' },
  {
    name: 'clean descriptors and environment',
    script:
      'for d in /proc/self/fd/*; do [ ! -e $d ] || [ -p $d ] || case "$(readlink $d)" in ""|/dev/null|/probe*) ;; *) exit 1 ;; esac; done; ! env | grep -i "canary\\|tsbuild_"',
  },
  {
    name: '--network none: Docker’s capabilities, with raw sockets',
    options: '--network=none',
    script: 'grep -q "CapEff:.*00000000a80425fb" /proc/self/status',
  },
  { name: 'threads and processes, without clone3', needs: ['perl'], script: 'perl -e "exit(fork ? wait == -1 : 0)"' },
  {
    name: 'hard links to files of lower layers',
    before: ['RUN echo one >/linked'],
    script: 'ln /linked /again && test "$(stat -c %h /again)" = 2 && test "$(cat /again)" = one',
  },
  {
    name: 'a folder of a lower layer can be renamed',
    before: ['RUN mkdir /lower && touch /lower/file'],
    script: 'mv /lower /higher && test -f /higher/file && test ! -e /lower',
  },
  {
    name: 'Docker’s capabilities, and no others; on the host’s network root has no raw sockets',
    script:
      'grep -q "CapEff:.*00000000a804[02]5fb" /proc/self/status && grep -q "CapInh:.*0000000000000000" /proc/self/status',
  },
];
