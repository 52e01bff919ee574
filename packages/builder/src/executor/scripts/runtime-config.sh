#!/bin/sh
# The runtime's configuration comes through the descriptor STAGE_INPUT.
"$CAT" <&"$STAGE_INPUT" >"$BUNDLE/config.json"
eval "exec $STAGE_INPUT<&-"
