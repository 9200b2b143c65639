#!/usr/bin/env bash
# Kernels as GDB and perf see them: GDB breaks in one by name, shows the listing and steps through its lines; perf report names one.
# What isn't here, or may not be used here, is left out with a line that says so; the test is skipped if nothing is left.
#
#   tests/observe.sh WINNOW
set -uo pipefail

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/checks.sh" "$1"
export TMPDIR=$folder
ran=0

with_gdb() { # GDB'S COMMANDS... -- WINNOW'S ARGUMENTS...: leaves out
    local commands=()
    while [ "$1" != -- ]; do commands+=(-ex "$1") && shift; done
    shift
    timeout 120 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'set breakpoint pending on' "${commands[@]}" \
        --args "$program" "$@" >out 2>&1 </dev/null
}

timeout 60 "$program" explain 'x + 1' 'x:f32[?]' --emit asm >out 2>&1
if ! grep -q 'wn_map_0' out; then
    echo "skipped: no machine code here"
    exit 77
fi

# ---- GDB ---------------------------------------------------------------------------------------------------------------

expression='m = x < 0; output y = where(m, 0, x * 2)' data='x:f32=[1,2,-3,4,-5]'
if ! command -v gdb >/dev/null; then
    echo "left out: gdb is not installed"
elif with_gdb run -- eval "$expression" "$data"; ! grep -q 'exited normally' out; then
    echo "left out: gdb can't run a program here"
else
    ran=1
    with_gdb 'break wn_map_0' run 'info symbol $pc' backtrace next next next 'info source' delete continue \
        -- eval --debugger "$expression" "$data"
    is 'GDB breaks in a kernel by name' grep -q '^Breakpoint 1, wn_map_0 () at 1.winnow:' out
    is 'GDB knows the symbol' grep -q '^wn_map_0 + [0-9]* in section .text' out
    is 'the caller is found' grep -q '^#1 .*map_block' out
    is 'and main' grep -q '^#[0-9]* .*main (' out
    is 'the listing is the source' grep -q "^Located in $folder/winnow-.*/1.winnow" out
    lines=$(grep -oE '^[1-9]	.*' out | sort -u | wc -l)
    is 'GDB steps through its lines' test "$lines" -ge 3
    is 'one is that of the output' grep -q '^4	output y = where(m, 0.0, v1);' out
    is 'the kernel runs on' grep -q '^\[2. 4. 0. 8. 0.\]' out
    is 'nothing is left behind' test -z "$(ls -d winnow-* 2>/dev/null)"

    with_gdb 'break wn_map_0' run -- eval "$expression" "$data"
    is 'without the option GDB is told nothing' grep -q 'exited normally' out
fi

# ---- perf --------------------------------------------------------------------------------------------------------------

if ! command -v perf >/dev/null; then
    echo "left out: perf is not installed"
elif ! timeout 60 perf record -q -e cpu-clock:u -o data "$program" bench --perf-map "$expression" 'x:f32[65536]' >out 2>&1; then
    echo "left out: perf can't record here"
else
    ran=1
    timeout 60 perf report --stdio -i data >out 2>&1 </dev/null
    is 'perf names the kernel' grep -q 'winnow:wn_map_0:y = where(m, 0.0, v1)' out
    process=$(timeout 60 perf script -i data -F pid 2>/dev/null </dev/null | sed -n '1s/ //gp')
    is 'its map is there' test -f "/tmp/perf-$process.map"
    rm -f "/tmp/perf-$process.map"
fi

[ "$ran" = 1 ] || exit 77
conclude
