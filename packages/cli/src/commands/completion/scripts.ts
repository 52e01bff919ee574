/**
 * The scripts ask the program itself (`tsbuild __complete -- WORD…`, the last word being the one to complete), so they know
 * whatever it knows. It answers with a candidate a line, a tab and a description behind it, and may end with `:files`,
 * `:dirs` (complete paths instead) or `:nospace`.
 */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: String.raw`# bash completion of tsbuild: source <(tsbuild completion bash)
_tsbuild() {
  local line="${'$'}{COMP_LINE:0:COMP_POINT}" words word current cut reply=() kind=
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(""); fi
  current="${'$'}{words[${'$'}{#words[@]} - 1]}"
  # Bash cuts words at : and =, and wants only what stands behind the last of them.
  cut="${'$'}{current%"${'$'}{current##*[:=]}"}"
  [[ $COMP_WORDBREAKS == *:* ]] || cut="${'$'}{current%"${'$'}{current##*=}"}"
  while IFS= read -r word; do
    case $word in
      :*) kind=$word ;;
      *) reply+=("${'$'}{word%%$'\t'*}") ;;
    esac
  done < <("${'$'}{words[0]}" __complete -- "${'$'}{words[@]:1}" 2>/dev/null)
  COMPREPLY=("${'$'}{reply[@]#"$cut"}")
  case $kind in
    :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${'$'}{current##*=}") ;;
    :dirs) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${'$'}{current##*=}") ;;
    :nospace) compopt -o nospace ;;
  esac
}
complete -F _tsbuild tsbuild
`,
  zsh: String.raw`#compdef tsbuild
# zsh completion of tsbuild: put it as _tsbuild into a directory of fpath, or source <(tsbuild completion zsh)
_tsbuild() {
  local -a lines values shown
  local line kind
  lines=("${'$'}{(@f)$("${'$'}{words[1]}" __complete -- "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == :* ]]; then
      kind=$line
    else
      values+=("${'$'}{line%%$'\t'*}")
      shown+=("${'$'}{line/$'\t'/  -- }")
    fi
  done
  case $kind in
    :files) compset -P '*='; _files; return ;;
    :dirs) compset -P '*='; _files -/; return ;;
    :nospace) compadd -S '' -d shown -a -- values; return ;;
  esac
  compadd -d shown -a -- values
}
if [[ $funcstack[1] == _tsbuild ]]; then _tsbuild "$@"; else compdef _tsbuild tsbuild; fi
`,
  fish: String.raw`# fish completion of tsbuild: tsbuild completion fish >~/.config/fish/completions/tsbuild.fish
function __tsbuild_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
            case :dirs
                __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current") ''
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c tsbuild -f -a '(__tsbuild_complete)'
`,
};
