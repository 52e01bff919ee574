#!/bin/sh
# What a command needs beside its root: its name in the network, loopback, terminal, limits. UNSAFE names variables that
# must not be set while programs of the host still run: the image's own `env` sets them, and takes the place of the
# argument IMAGE_ENV.
cd "$ROOT" || exit 1
{ echo "$HOST" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$HOST"
if [ -n "$LOOPBACK" ]; then $LOOPBACK; fi
umask 022
if [ -n "$TTYOWNER" ]; then
  "$CHOWN" "$TTYOWNER" /dev/pts/0
  : >dev/console
  "$MOUNT" -n --bind /dev/pts/0 dev/console </dev/null
fi
# shellcheck disable=SC2086 # LIMITS is a list
if [ -n "$LIMITS" ]; then "$PRLIMIT" --pid $$ $LIMITS; fi
if [ -n "$UNSAFE" ]; then
  env=
  for path in usr/bin/env bin/env; do
    if [ -z "$env" ] && { [ -e "$path" ] || [ -L "$path" ]; }; then env=/$path; fi
  done
  if [ -z "$env" ]; then
    echo "$UNSAFE cannot be set: the image has no /usr/bin/env" >&2
    exit 1
  fi
  for argument; do
    shift
    if [ "$argument" = "$IMAGE_ENV" ]; then argument=$env; fi
    set -- "$@" "$argument"
  done
fi
