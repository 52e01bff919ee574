#!/bin/sh
# Closes the descriptors OUTER_CLOSE, which a command must not have, and becomes the arguments.
for fd in $OUTER_CLOSE; do eval "exec $fd>&-"; done
unset OUTER_CLOSE
exec "$@"
