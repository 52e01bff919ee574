#!/bin/sh
# Binds the staged mounts to their targets below ROOT; LIST names the file of the stage that lists them, four lines each, and
# TOP is where the root is mounted, free of symlinks. It goes name by name from the root: a cache that another command has
# mounted too may change under our hands, and a symlink in it must not lead the mount to the host's files. The kernel's own
# list says where the mount came to lie, and nothing is run before that was looked at.
refuse() {
  echo "cannot mount on /$target: $1" >&2
  exit 1
}
while IFS= read -r kind && IFS= read -r source && IFS= read -r target && IFS= read -r expected; do
  cd "$ROOT" || exit 1
  here=$TOP
  rest=$target
  if [ "$kind" = d ]; then rest=$rest/; fi
  while [ "${rest#*/}" != "$rest" ]; do
    name=${rest%%/*}
    rest=${rest#*/}
    if [ ! -e "./$name" ] && [ ! -L "./$name" ]; then "$MKDIR" "./$name"; fi
    if [ ! -d "./$name" ]; then refuse "$name is no directory"; fi
    cd -P "./$name" || exit 1
    here=$here/$name
    if [ "$(pwd -P)" != "$here" ]; then refuse "$name is a symlink"; fi
  done
  if [ "$kind" = d ]; then
    "$MOUNT" -n -c --bind "$STAGE/$source" . </dev/null
  else
    if [ -L "./$rest" ]; then refuse "$rest is a symlink"; fi
    if [ ! -e "./$rest" ]; then (
      set -C
      : >"./$rest"
    ); fi
    "$MOUNT" -n -c --bind "$STAGE/$source" "./$rest" </dev/null
  fi
  last=
  while read -r _ _ _ _ point _; do last=$point; done </proc/self/mountinfo
  if [ "$last" != "$expected" ]; then exit 1; fi
done <"$STAGE/$LIST"
