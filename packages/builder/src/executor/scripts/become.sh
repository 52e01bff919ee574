#!/bin/sh
# Becomes the arguments.
exec "$@"
