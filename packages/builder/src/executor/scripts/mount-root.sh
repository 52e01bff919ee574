#!/bin/sh
# Mounts the root, whose relative paths start from BASE.
cd "$BASE" || exit 1
"$MOUNT" -n -a -T /proc/self/fd/6
exec 6<&-
