#!/bin/sh
# With the sandbox's devpts in place of the machine's, in a mount namespace that all of the sandbox's are copies of, the
# terminal has the same name inside: `tty` says /dev/pts/0.
"$MOUNT" -n -t devpts -o "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620$TTYGROUP" devpts /dev/pts
if [ ! -L /dev/ptmx ]; then "$MOUNT" -n --bind /dev/pts/ptmx /dev/ptmx; fi
