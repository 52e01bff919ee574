#!/bin/sh
# Runs a container. What the runtime logs is its own failure; a command's exit code comes without a log. crun does not run
# beside cgroup v2 on hosts that mount both versions.
if [ "$KIND" = crun ] && [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified 2>/dev/null || :; fi
cd /
echo "$READY" >&2
code=0
# shellcheck disable=SC2086 # KEEP is an option, or nothing
"$RUNTIME" --root "$BUNDLE/state" --log "$BUNDLE/log" run $KEEP -b "$BUNDLE" "$ID" 2>&3 3>&- || code=$?
if [ -s "$BUNDLE/log" ] && [ "$code" != 0 ]; then
  echo "$FAILED" >&2
  "$CAT" "$BUNDLE/log" >&2
fi
exit "$code"
