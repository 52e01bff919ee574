#!/bin/sh
# Lists the host's own /proc and /sys, which stay below the new root, unseen (see drop-kernel-mounts.sh). As long as one
# whole procfs is mounted somewhere, a command that makes a user namespace may mount another one without masks, and write
# to /proc/sys of the machine as its root. The list comes before anything of ours is mounted.
bare=
while read -r _ _ _ _ point rest; do
  case "$rest" in
    # umount itself looks into /proc: that goes last.
    *" - proc "* | *" - sysfs "*) if [ "$point" = /proc ]; then bare="$bare /proc"; else bare="$point $bare"; fi ;;
  esac
done </proc/self/mountinfo
