#!/bin/sh
# Gives the terminal on standard input its size.
# shellcheck disable=SC2086 # TTYSIZE is four words
"$STTY" $TTYSIZE
