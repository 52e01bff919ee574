#!/bin/sh
# The bundle and the runtime's state lie in memory, in this mount namespace, so nothing of them can be left behind: on a
# ramfs, because the configuration holds secret variables and a tmpfs may be swapped out.
"$MOUNT" -n -c -t ramfs -o mode=700 ramfs "$BUNDLE"
