#!/bin/sh
# Prepares what a runtime cannot make in a user namespace: /sys of the host's network, and device nodes. The runtime binds /dev/NAME of this
# mount namespace there, and root of the container could change mode and owner of the host's: these are nodes of its own. The namespace is
# found by its file in the host's /proc, before another one is mounted over it.
: >"$BUNDLE/user"
"$MOUNT" -n --bind "$USER_NAMESPACE" "$BUNDLE/user" </dev/null
"$MOUNT" -n -t proc -o nosuid,noexec,nodev proc /proc
"$MKDIR" "$BUNDLE/sys" "$BUNDLE/dev"
"$MOUNT" -n -t sysfs -o ro,nosuid,noexec,nodev sysfs "$BUNDLE/sys"
"$MOUNT" -n -t tmpfs -o nosuid,noexec,mode=755,size=64k tmpfs "$BUNDLE/dev"
for device in $DEVICES; do
  "$CP" -R -P -p "/dev/$device" "$BUNDLE/dev/"
  "$MOUNT" -n --bind "$BUNDLE/dev/$device" "/dev/$device" </dev/null
done
