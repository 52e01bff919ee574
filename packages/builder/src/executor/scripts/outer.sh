#!/bin/sh
# The init of the outer pid namespace; its arguments are the command that goes on.
#
# Two pid namespaces, one in the other. The init of the outer one is this script and nothing that a user's command can
# touch: the kernel takes a process's death signal away when it changes its uid, so a command that is an init itself
# (`USER 1000`, `RUN exec su nobody`) would outlive us. When the outer init dies, everything in both namespaces dies.
#
# It dies with `unshare` by a signal that it asks for after it was forked; if `unshare` was killed before that, nobody
# would ever end it. By now it has asked, so it is enough that its parent is still `unshare`. (/proc is the host's.)
#
# OUTER_CLOSE     descriptors that the command must not have (only bash can close those above 9)
# OUTER_CGROUPS   files to write 0 to, one a line
# OUTER_LOOPBACK  a command that brings the loopback interface up
# OUTER_GO        a descriptor that says when to go on
# OUTER_TERMINAL  not empty when descriptor 3 is to be what is 2 now
# shellcheck disable=SC2086 # lists are split on purpose
for fd in $OUTER_CLOSE; do eval "exec $fd>&-"; done
read -r pid _ _ parent _ </proc/self/stat
echo "init $pid" >&2
if read -r name <"/proc/$parent/comm" && [ "$name" != unshare ]; then exit 1; fi
enter() {
  for file; do { echo 0 >"$file"; } 2>/dev/null || :; done
}
set -f
IFS='
'
enter $OUTER_CGROUPS
unset IFS
set +f
if [ -n "$OUTER_LOOPBACK" ]; then $OUTER_LOOPBACK; fi
if [ -n "$OUTER_GO" ]; then
  read -r _ <&"$OUTER_GO" || exit 1
  eval "exec $OUTER_GO<&-"
fi
if [ -n "$OUTER_TERMINAL" ]; then exec 3>&2; fi
unset OUTER_CLOSE OUTER_CGROUPS OUTER_LOOPBACK OUTER_GO OUTER_TERMINAL
"$@"
exit $?
