#!/bin/sh
# The runtime's configuration is a file of the stage.
"$CAT" "$STAGE/$CONFIG" >"$BUNDLE/config.json"
