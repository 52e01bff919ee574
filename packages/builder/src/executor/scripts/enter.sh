#!/bin/sh
# Moves the root into its place and becomes the command. No `cd` may come between `mount --move` and the last exec: the
# working directory is the new root, while `/` is still the old one. SECRETS is empty when there are none.
"$MOUNT" -n --move . /
echo "$READY" >&2
if [ -n "$SECRETS" ]; then give_secrets; fi
exec "$@" 2>&3 3>&-
