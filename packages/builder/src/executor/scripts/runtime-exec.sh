#!/bin/sh
# Runs one more command in a container. The process comes by the descriptor INPUT: it has the environment, and arguments
# can be read by everybody. What the runtime has to say about itself it writes to the log; its last words there are the reason.
umask 077
process="$BUNDLE/exec-$$.json"
log="$BUNDLE/exec-$$.log"
"$CAT" <&"$INPUT" >"$process"
eval "exec $INPUT<&-"
# Runc leaves the command what it has itself, whatever the configuration says.
umask 022
code=0
"$RUNTIME" --root "$BUNDLE/state" --log "$log" exec --process "$process" "$ID" || code=$?
failed=0
if [ -s "$log" ] && [ "$code" != 0 ]; then failed=1; fi
rm -f "$process" "$log"
if [ "$failed" = 1 ]; then exit 255; fi
exit "$code"
