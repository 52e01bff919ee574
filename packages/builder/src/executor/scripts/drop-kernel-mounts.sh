#!/bin/sh
# Takes what kernel-mounts.sh has listed out of the mount namespace, and the place KERNEL. No blank stands in a name of
# mountinfo, but for that in octal.
: "${bare?}"
drop() {
  set -- "$KERNEL"
  for point in $bare; do
    case "$point" in *\\*) point=$(printf %b "$point") ;; esac
    set -- "$@" "$point"
  done
  "$UMOUNT" -n -l -- "$@"
}
set -f
drop
set +f
