#!/bin/sh
# Binds the user namespace that the command enters to a file: when it is entered, the host's /proc may be out of reach. Only this
# mount namespace has the file, below the root that comes over it.
"$MOUNT" -n --bind "$USER_NAMESPACE" "$USER_FILE" </dev/null
