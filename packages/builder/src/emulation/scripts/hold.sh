#!/bin/sh
# Registers emulators in a binfmt_misc of this user namespace's own, tries them, and holds the namespace until standard input
# ends. A mounted instance belongs to a user namespace (Linux 6.7); without a mount the kernel forgets what was registered. The only mount
# of it is in this mount namespace, which no command ever enters: whoever could write to `register` would have its program run
# with the credentials of set-user-ID programs (flag C).
#
# Commands can open the emulator by /proc/PID/exe, and write to it through that as soon as it does not run: they get a copy in
# memory that is read-only, never the file of the machine.
#
# The arguments are four for each emulator: its program, its name here, the rule, and a directory that holds the file `probe` alone.
# PLACE is an empty directory. The emulators are registered by their names alone, and moved over /sys of this mount namespace: commands
# see in /proc/PID/exe and cmdline where an emulator lies, and that must not be where the store is.
"$MOUNT" -n -t tmpfs -o nosuid,nodev,mode=755,size=512m tmpfs "$PLACE"
cd "$PLACE" || exit 1
"$MKDIR" binfmt
"$MOUNT" -n -t binfmt_misc binfmt_misc binfmt
left=$#
while [ "$left" -gt 0 ]; do
  "$CP" "$1" "$2"
  set -- "$@" "$1" "$2" "$3" "$4"
  shift 4
  left=$((left - 4))
done
"$MOUNT" -n -o remount,ro,nosuid,nodev tmpfs "$PLACE"
"$MOUNT" -n --move "$PLACE" /sys
# Nothing in an emulated command makes user namespaces.
{ echo 0 >/proc/sys/user/max_user_namespaces; } 2>/dev/null || :
while [ $# -gt 0 ]; do
  code=0
  if { printf %s "$3" >binfmt/register; } 2>/dev/null; then
    "$CHROOT" "$4" /probe 2>/dev/null || code=$?
  else
    code=register
  fi
  echo "tried $2 $code"
  shift 4
done
echo held
read -r _ || exit 0
