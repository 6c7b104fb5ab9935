export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/**
 * The script that a shell loads. It asks the program for candidates, passing the typed words as they are: nothing that
 * stands on the command line is evaluated, and candidates are quoted. Lines are a value, a tab and its description. Where
 * there is no candidate, the shell completes files.
 *
 * After `npx` and `npm exec` it asks the copy that they start: that of the nearest folder with one, or else of PATH. It
 * never starts `npx`, which could download a program. What completed `npx` and `npm` before is used for other programs.
 * npm takes flags before `--` for itself, `--dry-run` among them, so none is offered there.
 */
export const scripts: { readonly [S in Shell]: string } = {
  // bash(1), Programmable Completion: $1 is the command; COMP_WORDS and COMP_CWORD, its words and the current one.
  bash: `_runbook_program() {
  local typed=\${1/#\\~\\//$HOME/} folder=$PWD
  if type -P -- "$typed"; then return; fi
  while [[ -n $folder && ! -x $folder/node_modules/.bin/runbook ]]; do folder=\${folder%/*}; done
  if [[ -n $folder ]]; then printf '%s\\n' "$folder/node_modules/.bin/runbook"; else type -P runbook; fi
}
_runbook_ask() {
  local line value program
  COMPREPLY=()
  program=$(_runbook_program "$1") || return
  while IFS= read -r line; do
    printf -v value %q "\${line%%$'\\t'*}"
    COMPREPLY+=("$value")
  done < <("$program" completion bash -- "\${@:2}" 2>/dev/null)
}
_runbook() { _runbook_ask "$1" "\${COMP_WORDS[@]:1:COMP_CWORD}"; }
_runbook_after_npm() {
  local name=\${1##*/} at=1 separated=
  if [[ $name == npm ]]; then
    if [[ \${COMP_WORDS[1]} == exec || \${COMP_WORDS[1]} == x ]]; then at=2; else at=$COMP_CWORD; fi
  fi
  while (( at < COMP_CWORD )) && [[ \${COMP_WORDS[at]} == -* ]]; do
    if [[ \${COMP_WORDS[at]} == -- ]]; then separated=yes; fi
    (( at += 1 ))
  done
  if (( at < COMP_CWORD )) && [[ \${COMP_WORDS[at]} == runbook ]]; then
    if [[ $name == npm && -z $separated && \${COMP_WORDS[COMP_CWORD]} == -* ]]; then COMPREPLY=(); return; fi
    _runbook_ask '' "\${COMP_WORDS[@]:at+1:COMP_CWORD-at}"
  elif [[ $name == npm && -n $_runbook_before_npm ]]; then "$_runbook_before_npm" "$@"
  elif [[ $name == npx && -n $_runbook_before_npx ]]; then "$_runbook_before_npx" "$@"
  fi
}
complete -o default -F _runbook runbook
if [[ $(complete -p npm 2>/dev/null) =~ -F\\ ([^ ]+) && \${BASH_REMATCH[1]} != _runbook* ]]; then _runbook_before_npm=\${BASH_REMATCH[1]}; fi
if [[ $(complete -p npx 2>/dev/null) =~ -F\\ ([^ ]+) && \${BASH_REMATCH[1]} != _runbook* ]]; then _runbook_before_npx=\${BASH_REMATCH[1]}; fi
complete -o default -F _runbook_after_npm npx npm
`,
  // zshcompsys(1): words, CURRENT and PREFIX; zshcompwid(1): compadd -d takes what to show for each value, and quotes values.
  zsh: `#compdef runbook
_runbook_program() {
  local typed=\${1/#\\~\\//$HOME/} folder=$PWD
  if [[ -n $typed ]] && whence -p -- "$typed"; then return; fi
  while [[ -n $folder && ! -x $folder/node_modules/.bin/runbook ]]; do folder=\${folder%/*}; done
  if [[ -n $folder ]]; then print -r -- "$folder/node_modules/.bin/runbook"; else whence -p runbook; fi
}
_runbook_ask() {
  local line program
  local -a values shown
  program=$(_runbook_program "$1") || return
  while IFS= read -r line; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line%%$'\\t'*} -- \${line#*$'\\t'}")
  done < <("$program" completion zsh -- "\${@[2,-1]}" 2>/dev/null)
  if (( \${#values} )); then compadd -l -d shown -a values; else _files; fi
}
_runbook() { _runbook_ask "\${(Q)words[1]}" "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}"; }
_runbook_after_npm() {
  local name=\${words[1]:t} at=2 separated=
  if [[ $name == npm ]]; then
    if [[ \${words[2]} == (exec|x) ]]; then at=3; else at=$CURRENT; fi
  fi
  while (( at < CURRENT )) && [[ \${words[at]} == -* ]]; do
    if [[ \${words[at]} == -- ]]; then separated=yes; fi
    (( at += 1 ))
  done
  if (( at < CURRENT )) && [[ \${words[at]} == runbook ]]; then
    if [[ $name == npm && -z $separated && $PREFIX == -* ]]; then return 1; fi
    _runbook_ask '' "\${(@Q)words[at+1,CURRENT-1]}" "\${(Q)PREFIX}"
  elif [[ -n \${_runbook_before[$name]} ]]; then \${=_runbook_before[$name]} "$@"
  else _default
  fi
}
typeset -gA _runbook_before
for _runbook_name in npx npm; do
  if [[ \${_comps[$_runbook_name]} != _runbook* ]]; then _runbook_before[$_runbook_name]=\${_comps[$_runbook_name]}; fi
done
unset _runbook_name
compdef _runbook runbook
compdef _runbook_after_npm npx npm
`,
  // complete(1) of fish: one candidate a line, with its description after a tab; what others complete for npm stays.
  fish: `function __runbook_program
  set -l typed (string replace -r '^~/' "$HOME/" -- "$argv[1]")
  if test -n "$typed"; and command -s -- $typed
    return
  end
  set -l folder $PWD
  while test -n "$folder"; and not test -x "$folder/node_modules/.bin/runbook"
    set folder (string replace -r '/[^/]*$' '' -- $folder)
  end
  if test -n "$folder"
    echo "$folder/node_modules/.bin/runbook"
  else
    command -s runbook
  end
end
function __runbook_ask
  set -l program (__runbook_program $argv[1])
  or return
  set -l found ($program completion fish -- $argv[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
function __runbook_candidates
  set -l words (commandline -opc)
  __runbook_ask $words (commandline -ct)
end
function __runbook_at
  set -l words (commandline -opc)
  set -l at 2
  set -l separated
  if string match -qr '(^|/)npm$' -- $words[1]
    contains -- "$words[2]" exec x
    or return 1
    set at 3
  end
  while test $at -le (count $words); and string match -q -- '-*' $words[$at]
    test "$words[$at]" = --
    and set separated yes
    set at (math $at + 1)
  end
  test "$words[$at]" = runbook
  or return 1
  if string match -qr '(^|/)npm$' -- $words[1]; and test -z "$separated"; and string match -q -- '-*' (commandline -ct)
    return 1
  end
  echo (math $at + 1)
end
function __runbook_after_npm
  set -l at (__runbook_at)
  set -l words (commandline -opc)
  __runbook_ask '' $words[$at..-1] (commandline -ct)
end
complete -c runbook -f -a '(__runbook_candidates)'
complete -c npx -n '__runbook_at >/dev/null' -f -a '(__runbook_after_npm)'
complete -c npm -n '__runbook_at >/dev/null' -f -a '(__runbook_after_npm)'
`,
}
