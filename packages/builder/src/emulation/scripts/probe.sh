#!/bin/sh
# Runs the program `probe` of each directory in the arguments, which holds nothing else, with that as its root: as RUN runs programs of an
# image. What can run only with help from outside of the root fails.
for place; do
  code=0
  "$CHROOT" "$place" /probe 2>/dev/null || code=$?
  echo "$code"
done
