"""Completion scripts for bash, zsh and fish.

They only carry words to `cm __complete` and its answer back; what fits is decided there. The
program is called from the folder of the command being completed, so that `.venv/bin/cm` completes
with its own plugins.
"""

from __future__ import annotations

_BASH = r"""
_cm_complete() {
    local program="${1%"${1##*/}"}cm" line
    local -a found=()
    while IFS= read -r line; do
        found+=("$line")
    done < <("${program/#\~/$HOME}" __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    COMPREPLY=("${found[@]}")
    # A word that goes on (`--tags=`, `a.`) gets no space behind it.
    if [[ ${#found[@]} -eq 1 && ${found[0]} == *[=.] ]]; then
        compopt -o nospace
    fi
}
complete -o bashdefault -o default -F _cm_complete cm cmr cmrd
"""

_ZSH = r"""
#compdef cm cmr cmrd
_cm() {
    local program="${words[1]:h}/cm" line
    [[ $words[1] == */* ]] || program=cm
    local -a values shown open_values open_shown
    while IFS= read -r line; do
        local value="${line%%$'\t'*}" help="${line#*$'\t'}"
        local text="$value"
        (( $#value < 24 )) && text="${(r:24:)value}"
        if [[ -z $help || $help == $line ]]; then text="$value"; else text+="  $help"; fi
        if [[ $value == *[=.] ]]; then
            open_values+=("$value") open_shown+=("$text")
        else
            values+=("$value") shown+=("$text")
        fi
    done < <("${~program}" __complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    if (( ! $#values && ! $#open_values )); then
        _files
        return
    fi
    (( $#values )) && compadd -l -d shown -a values
    (( $#open_values )) && compadd -l -S '' -d open_shown -a open_values
    return 0
}
if [[ $funcstack[1] == _cm ]]; then
    _cm "$@"
elif (( $+functions[compdef] )); then
    compdef _cm cm cmr cmrd
fi
"""

_FISH = r"""
function __cm_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '[^/]*$' cm -- $words[1])
    $program __complete fish $words (commandline -ct) 2>/dev/null
    or __fish_complete_path (commandline -ct)
end
for command in cm cmr cmrd
    complete -c $command -f -a '(__cm_complete)'
end
"""

#: Script of each shell.
SCRIPTS = {"bash": _BASH.lstrip(), "zsh": _ZSH.lstrip(), "fish": _FISH.lstrip()}
