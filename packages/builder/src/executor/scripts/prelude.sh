#!/bin/sh
# The first part of a sandbox: what is the same for all commands. Only programs of the host run before the last exec, and
# nothing of the image is run before the capabilities are gone: an image cannot put its own `chroot` or C library in the
# way (CVE-2019-14271).
"$MOUNT" -n -a -T /proc/self/fd/4
# shellcheck disable=SC2086 # DEVICES is a list
if [ -n "$NODES" ]; then "$CP" -R -P -p $DEVICES "$NODES/" 2>/dev/null || "$MOUNT" -n --bind /dev "$NODES"; fi
"$CP" -R -P "$DEV/." "$KERNEL/dev/"
"$MOUNT" -n -a -T /proc/self/fd/5
exec 4<&- 5<&-
