#!/bin/sh
# Waits for the word on descriptor WAIT_GO, then goes on with the script at descriptor WAIT_TEXT.
read -r _ <&"$WAIT_GO" || exit 1
eval "exec $WAIT_GO<&-"
set -- "/proc/self/fd/$WAIT_TEXT"
unset WAIT_GO WAIT_TEXT
# shellcheck source=/dev/null
. "$1"
