# checks.sh - what the tests of a program from outside share; they source it.
#
#   . checks.sh PROGRAM      it is $program from here on, in a folder that is removed at the end
#
# A program that is run leaves its texts in the files out and err. A check that fails names itself and shows them; the others still run.
# shellcheck shell=bash disable=SC2034 # what it sets is for those that source it

program=$(realpath "$1")
folder=$(realpath "$(mktemp -d)")
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
checks=0 failures=0

fail() { # WHAT
    local text
    failures=$((failures + 1))
    printf 'FAILED line %s: %s\n' "${BASH_LINENO[1]}" "$1"
    for text in out err; do
        [ ! -s $text ] || sed "s/^/    $text: /" $text
    done
}
is() { # WHAT COMMAND...
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" >/dev/null 2>&1 || fail "$what"
}
# The last line: status 1 if any check failed.
conclude() {
    echo "$checks checks, $failures failed"
    [ "$failures" = 0 ]
}
