import type { Probe } from './probe.ts';

/**
 * Programs that want out of the sandbox. Each succeeds when it has the secret or has changed the machine; the machine is
 * looked at afterwards, too. Perl makes the system calls that no shell makes.
 */
export const ESCAPES: readonly Probe[] = [
  {
    name: 'writes to /proc/sys (core_pattern)',
    script:
      '{ echo "|@CANARY@/x" >/proc/sys/kernel/core_pattern; } 2>/dev/null || { mount -o remount,rw /proc/sys && echo x >/proc/sys/kernel/core_pattern; } 2>/dev/null || { umount /proc/sys && echo x >/proc/sys/kernel/core_pattern; } 2>/dev/null',
  },
  { name: 'sysrq', script: '{ echo h >/proc/sysrq-trigger; } 2>/dev/null' },
  {
    name: 'reads a disk of the host by mknod',
    script:
      'for d in / /dev /dev/shm /tmp /memory /cache; do rm -f $d/lp; mknod $d/lp b 7 @LOOP@ 2>/dev/null; cat $d/lp 2>/dev/null; done | grep -a "@SECRET@"',
    options: '--mount=type=cache,target=/cache --mount=type=tmpfs,target=/memory',
  },
  {
    name: 'reads a disk by a node that the image brings',
    before: ['RUN mknod /brought b 7 @LOOP@ && chmod 666 /brought || true'],
    script: 'cat /brought 2>/dev/null | grep -a "@SECRET@"',
  },
  {
    name: 'reads the memory of the machine by mknod',
    script:
      'mknod /m c 1 1; mknod /k c 1 2; mknod /p c 1 4; mknod /g c 1 11; for n in m k p g; do head -c 16 /$n && exit 0; done 2>/dev/null; exit 1',
  },
  {
    name: 'chroot and fchdir',
    needs: ['perl'],
    script: `perl -e 'mkdir "/j"; opendir(my $d, "/"); chroot("/j"); chdir($d); chdir("..") for 1..64; chroot("."); exec "/bin/cat", "@CANARY@/secret.txt" if 0; open(my $f, "<", ".@CANARY@/secret.txt") or exit 1; print <$f>'`,
  },
  {
    name: 'mounts, unmounts, pivots',
    script:
      'mkdir -p /m1; for c in "mount -t tmpfs x /m1" "mount --bind / /m1" "umount /proc/sys" "umount -l /proc" "mount -o remount,rw /sys" "mount -t proc p /m1" "mount -t sysfs s /m1"; do $c 2>/dev/null && exit 0; done; exit 1',
  },
  {
    name: 'a user namespace, and mounts in it',
    needs: ['perl'],
    script: `unshare -Urmpf --mount-proc sh -c 'umount -l /proc/sys /proc/kcore; { echo x >/proc/sys/kernel/core_pattern; } || head -c1 /proc/kcore | grep . || cat /proc/*/root@CANARY@/secret.txt' 2>/dev/null`,
  },
  {
    name: 'a user namespace, of root and of a user',
    script:
      'unshare -U true 2>/dev/null || unshare -Ur true 2>/dev/null || su -s /bin/sh nobody -c "unshare -Ur true" 2>/dev/null',
  },
  {
    name: 'a user namespace by clone3, and by calls of another architecture',
    needs: ['perl'],
    // clone_args begins with the flags: CLONE_NEWUSER. Numbers from 0x40000000 up are those of x32.
    script: `perl -e 'my $a = pack("Q11", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0); my $r = syscall(435, $a, 88); exit 0 if $r == 0; exit 1 if $r > 0 and waitpid($r, 0) < -1; exit 0 if $r > 0; exit 0 if syscall(0x40000000 + 272, 0x10000000) == 0; exit 1'`,
  },
  {
    name: 'freezes and kills processes by a cgroup tree mounted in a user namespace',
    needs: ['perl'],
    // unshare(2) with CLONE_NEWUSER, NEWNS and NEWCGROUP.
    script: `perl -e 'syscall(272, 0x12020000) == 0 or exit 1; for (["setgroups", "deny"], ["uid_map", "0 0 1"], ["gid_map", "0 0 1"]) { open(my $f, ">", "/proc/self/$_->[0]"); syswrite $f, $_->[1]; } exec "/bin/sh", "-c", $ARGV[0]' 'mkdir -p /cg2 /cg3; mount -t cgroup2 c /cg2; mount -t cgroup -o freezer c /cg3; echo 1 >/cg2/@CGROUP@/cgroup.kill; echo FROZEN >/cg3/@CGROUP@/freezer.state; test -d /cg2/@CGROUP@ || test -d /cg3/@CGROUP@' 2>/dev/null`,
  },
  {
    name: 'listens to what other processes say on the network of the host',
    needs: ['perl'],
    // Packets of every kind; and of each protocol, which is as good. (AF_PACKET, AF_INET and AF_INET6, SOCK_RAW.)
    script: `perl -e 'for ([17, 3, 0x0300], [2, 3, 1], [2, 3, 6], [2, 3, 17], [10, 3, 6], [10, 3, 17], [2, 10, 0x0300]) { exit 0 if socket(my $s, $_->[0], $_->[1], $_->[2]); } exit 1'`,
  },
  {
    name: 'a user namespace, and release_agent (CVE-2022-0492)',
    script: `unshare -UrmC sh -c 'mkdir -p /cg; for c in rdma memory pids devices cpuset; do mount -t cgroup -o $c cgroup /cg && { echo @CANARY@/x >/cg/release_agent; } && exit 0; done; exit 1' 2>/dev/null`,
  },
  {
    name: 'cgroups of the host',
    script:
      'mkdir /cg1 2>/dev/null; mount -t cgroup -o rdma c /cg1 2>/dev/null && exit 0; for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do { echo @CANARY@/x >$f; } 2>/dev/null && exit 0; done; mkdir /sys/fs/cgroup/evil 2>/dev/null',
  },
  {
    name: 'the roots, folders and environments of other processes',
    script:
      'for p in /proc/[0-9]*; do cat $p/root@CANARY@/secret.txt $p/cwd@CANARY@/secret.txt $p/environ $p/fd/*/secret.txt 2>/dev/null; done | grep -a "@SECRET@"',
  },
  { name: 'signals and traces a process of the host', script: 'kill -0 @PID@ 2>/dev/null || test -e /proc/@PID@/mem' },
  {
    name: 'keys of the builder’s keyrings, of the session and of the user',
    needs: ['perl'],
    script: `perl -e 'my $n = 0; syscall(250, 8, -4, -3); syscall(250, 8, -5, -3); for my $ring (-3, -4, -5) { my $b = "\\0" x 4096; my $r = syscall(250, 11, $ring, $b, 4096, 0); next if $r <= 0; for my $id (unpack "l*", substr($b, 0, $r)) { my $v = "\\0" x 4096; my $s = syscall(250, 11, $id, $v, 4096, 0); print substr($v, 0, $s) if $s > 0; } }' | grep -a "@SECRET@"`,
  },
  {
    name: 'descriptors of the builder',
    script:
      'for f in /proc/self/fd/* /proc/1/fd/* /proc/[0-9]*/fd/*; do [ -d $f ] && cat $f/secret.txt; [ -f $f ] && cat $f; done 2>/dev/null | grep -a "@SECRET@"',
  },
  {
    name: 'the host’s loopback and abstract sockets, with --network none',
    options: '--network=none',
    needs: ['perl'],
    script: `perl -e 'use Socket; socket(my $a, PF_UNIX, SOCK_STREAM, 0); if (connect($a, pack("S a*", 1, "\\0@SOCKET@"))) { print <$a>; } socket(my $t, PF_INET, SOCK_STREAM, 0); if (connect($t, sockaddr_in(@PORT@, inet_aton("127.0.0.1")))) { print <$t>; }' | grep "@SECRET@"`,
  },
  {
    name: 'open_by_handle_at through a file of the host (CVE-2014-3519)',
    needs: ['perl'],
    script: `perl -e 'open(my $m, "<", "/etc/hosts") or exit 1; my $h = pack("I i Q", 8, 1, 2); my $fd = syscall(304, fileno($m), $h, 0); exit($fd >= 0 ? 0 : 1)'`,
  },
  {
    name: 'modes and owners of the host’s devices',
    script: 'chmod 0640 /dev/full; chown 7:7 /dev/full; touch /dev/full; chmod 0640 /proc/kcore; false',
  },
  {
    name: 'a mount target that the last command made a link',
    before: ['RUN mv /mnt /mnt2; ln -s @CANARY@ /mnt'],
    script: 'touch /mnt/under/evil; cat /mnt/secret.txt 2>/dev/null | grep "@SECRET@"',
    options: '--mount=type=tmpfs,target=/mnt/under',
  },
  {
    name: 'kernel modules, reboot, hostname, time',
    needs: ['perl'],
    script: `perl -e 'my $n = "evil\\0"; exit 0 if syscall(170, $n, 4) == 0; exit 0 if syscall(313, 0, $n, 0) == 0; exit 0 if syscall(169, 0xfee1dead, 672274793, 0, 0) == 0; exit 1'`,
  },
  { name: 'more capabilities than Docker gives', script: '! grep -q "CapBnd:.*00000000a804[02]5fb" /proc/self/status' },
  { name: 'the terminal of the builder (CVE-2017-5226)', script: '{ echo x >/dev/tty; } 2>/dev/null' },
];
