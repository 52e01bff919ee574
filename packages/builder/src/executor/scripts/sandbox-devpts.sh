#!/bin/sh
# In a copy of the sandbox's mount namespace, on the root that the host's programs have there: puts the devpts of the
# sandbox in place of the machine's. "/.." is what lies on top of that root, the sandbox's own: no path that a command could
# change leads there. A terminal of the machine would be one that other users with the command's number can open.
"$MOUNT" -n -c --bind /../dev/pts /dev/pts
if [ "$("$STAT" -c %d /dev/pts)" = "$HOSTPTS" ] || [ "$("$STAT" -f -c %t /dev/pts)" != 1cd1 ]; then
  echo "the sandbox has no devpts at /dev/pts" >&2
  exit 1
fi
if [ ! -L /dev/ptmx ]; then "$MOUNT" -n -c --bind /dev/pts/ptmx /dev/ptmx; fi
# As root the host's /proc was taken away from the sandbox (see drop-kernel-mounts.sh).
if [ ! -e /proc/self ]; then "$MOUNT" -n -t proc proc /proc; fi
