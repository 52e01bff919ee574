#!/bin/sh
# Reads the function that sets secret variables from the stage, before the root is moved; it is called after all else.
# shellcheck source=/dev/null
. "$STAGE/$SECRETS"
