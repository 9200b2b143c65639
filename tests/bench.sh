#!/usr/bin/env bash
# winnow-bench from outside: every work gives what the loops by hand give (it compares before it times), the files are well formed,
# peers are heard, and wrong names are refused. No time is judged.
#
#   tests/bench.sh WINNOW_BENCH
set -uo pipefail

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/checks.sh" "$1"

run() { # ARGUMENTS...: leaves out, err, status
    timeout 300 "$program" "$@" >out 2>err
    status=$?
}
well_formed() { # FILE
    case $1 in
    *.json) python3 -m json.tool "$1" ;;
    *.svg) python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$1" ;;
    esac
}

# Reads a cell, then rounds, as peers.py does; its second peer takes part in nothing.
cat >peer.sh <<'TEXT'
printf '%s\n' 'slow 1.0|absent no "<here>" \ & there'
while read -r line; do
    case $line in
    round) echo '4096000 nan' ;;
    *) echo "$line" >>cells; echo 1 ;;
    esac
done
TEXT

run --help
works=$(grep -c '^  [a-z0-9.]* .*[(x[]' err)
run --quick --size 64,4160 --threads 1 --only where --isa v3
if grep -q 'no hand-written loops' err; then
    echo "no such loops for this machine"
    exit 0
fi

run --quick --size 64,4160 --json all.json --commit abc
is 'all works agree with the loops by hand' test "$status" = 0
is 'there are works' test "$works" -ge 30
for size in 64 4160; do
    is "each is measured at $size" test "$(grep -c "\"elements\": $size, \"threads\": 1" all.json)" = "$works"
done
is 'a commit is written' grep -q '"commit": "abc"' all.json
is 'costs are written' grep -q '"what": "compile a chain of 1000 nodes"' all.json
is 'JSON is well formed' well_formed all.json

run --quick --size 4096 --threads 1 --only where,mask --peers 'sh peer.sh' --commit 'a "<b>" &' --json peers.json --svg peers.svg --tables peers.md
is 'peers are run' test "$status" = 0
is 'a peer has its time' grep -q '"slow": {"ok": true, "ns": 1000,' peers.json
is 'a peer that takes no part has none' grep -q '"absent": {"ok": false, "ns": null' peers.json
is 'a version is on the drawing' grep -q 'slow 1.0' peers.svg
is 'JSON is well formed, whatever a peer says' well_formed peers.json
is 'the drawing is well formed' well_formed peers.svg
is 'the tables have its ratio' grep -q '^| `where(x < 0, 0, x)` | [^|]*| [0-9]* / - / - | *|$' peers.md
is 'a peer is told the cell' grep -q '"text": "x\[x < 0\]".*"outputs": \[\["", "f32", \[[0-9]*\]\]\], "unseen": true' cells
is 'of what selects nothing it may see the same again' grep -q '"text": "where(x < 0, 0, x)".*"unseen": false' cells

run --quick --size 4096 --threads 1 --only where --peers 'exit 1'
is 'peers that cannot start are an error' test "$status" = 1
run --only where,nothing
is 'an unknown work is wrong usage' test "$status" = 2
run --size 65
is 'a size that is no multiple of 64 is wrong usage' test "$status" = 2
for path in /nowhere/x.json /dev/full; do
    run --quick --size 64 --threads 1 --only where --json $path
    is "$path cannot be written: status 1" test "$status" = 1
    is 'and a message' grep -q "cannot write $path" err
done

conclude
