#!/bin/sh
# Makes mounts ready on the stage: a ramfs, which no swap and no disk ever sees. All that is secret comes through the
# descriptor STAGE_INPUT and is cut into files here. STAGE_STEPS says what to do, four words a step:
#
#   cut NAME FROM SIZE         a file from that part of the input (counted from 1)
#   cut-end - - -              the input is not needed any more
#   file NAME - -              an empty file to be mounted on
#   directory NAME - -         a directory to be mounted on
#   tree NAME NUMBER -         the mounts that the file NAME lists, by paths from the directory in the variable BASE<NUMBER>
#   mount NAME - -             the mounts that the file NAME lists
#   own NAME OWNER MODE        owner and mode of a file
stage() {
  while [ $# -gt 0 ]; do
    case "$1" in
      cut) if [ "$4" = 0 ]; then : >"$2"; else "$TAIL" -c "+$3" all | "$HEAD" -c "$4" >"$2"; fi ;;
      cut-end) "$RM" all ;;
      file) : >"$2" ;;
      directory) "$MKDIR" "$2" ;;
      tree)
        eval "cd \"\$BASE$3\""
        "$MOUNT" -n -a -T "$STAGE/$2"
        cd "$STAGE" || exit 1
        ;;
      mount) "$MOUNT" -n -a -T "$STAGE/$2" ;;
      own)
        "$CHOWN" "$3" "$2"
        "$CHMOD" "$4" "$2"
        ;;
    esac
    shift 4
  done
}
"$MOUNT" -n -c -t ramfs -o nosuid,nodev,mode=700 ramfs "$STAGE"
cd "$STAGE" || exit 1
"$CAT" <&"$STAGE_INPUT" >all
eval "exec $STAGE_INPUT<&-"
# shellcheck disable=SC2086 # the words of the steps
stage $STAGE_STEPS
