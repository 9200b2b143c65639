#!/usr/bin/env bash
# Shows what Winnow does: three small expressions, then 27,004 flights and a picture, each with the loop that it became.
#   examples/demo.sh [BUILD]      BUILD: the folder of the build, default build/release
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../build/release}" && pwd)
winnow=$build/winnow

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
indent() { sed 's/^/    /'; }

# The hot loop of an expression: of all jumps back to a label in the assembly, the span that holds most vector registers; then
# without comments, directives and labels that nothing jumps to.
hot_loop() { # EXPR INPUT...
    "$winnow" explain "$@" --emit asm | awk '
        { sub(/[ \t]*(#|\/\/).*/, "") }
        /^[A-Za-z_.][^ \t]*:/ { label = $1; sub(/:.*/, "", label); at[label] = NR }
        { line[NR] = $0 }
        $1 ~ /^j/ && ($2 in at) {
            vectors = 0
            for (i = at[$2]; i <= NR; i++) if (line[i] ~ /%?[xyz]mm/) vectors++
            if (vectors > most || !to) { most = vectors; from = at[$2]; to = NR }
        }
        END {
            for (i = from; to && i <= to; i++) {
                gsub(/\t/, " ", line[i])
                sub(/^ +/, "  ", line[i])
                if (line[i] ~ /^ *\.[a-z]/ && line[i] !~ /:$/) continue
                if (line[i] ~ /^\.L(tmp|loc|func)/ || line[i] ~ /^ *$/) continue
                print line[i]
            }
        }'
}

show_loop() { # EXPR INPUT...
    local loop
    if ! loop=$(hot_loop "$@" 2>&1); then
        echo "(no machine code to show: $loop)" | indent
    elif [ "$(wc -l <<<"$loop")" -gt 60 ]; then
        echo "its loop (the first 60 of $(wc -l <<<"$loop") lines):"
        head -n 60 <<<"$loop" | indent
    else
        echo "its loop:"
        indent <<<"$loop"
    fi
}

title "1. Nothing below 0 stays: where(x < 0, 0, x), x = [1 2 -3 4 -5]"
"$build/example_where"
show_loop 'where(x < 0, 0, x)' 'x:f32[?]'

title "2. A mask as 0 and 1: multiply(a, cast(m, i32)), a = [[1 2] [3 4] [5 6]]"
"$build/example_multiply_mask"
show_loop 'multiply(a, cast(m, i32))' 'a:i32[?, 2]' 'm:bool[?, 2]'

title "3. Only where the mask is true: boolean_mask(t, m), t = [10 20 30 40 50 60 70 80]"
"$build/example_boolean_mask"
show_loop 'boolean_mask(t, m)' 't:i32[?]' 'm:bool[?]'

title "4. Which flights left New York more than 30 minutes late and still arrived on time? (January 2013)"
echo 'dep_delay[dep_delay > 30 & arr_delay <= 0], and four more columns by the same mask'
"$build/example_flights" "$here/data/flights"
show_loop 'dep_delay[dep_delay > 30 & arr_delay <= 0]' 'dep_delay:f32[?]' 'arr_delay:f32[?]'

title "5. A picture without its background: what is bright and nearly grey becomes blue"
echo 'background = red > 110 & spread < 38; background ? colour : picture'
"$build/example_cutout" "$here/data/astronaut" "$build/cutout.png"
show_loop 'spread = maximum(maximum(r, g), b) - minimum(minimum(r, g), b); r[!(r > 110 & spread < 38)]' \
    'r:u8[?]' 'g:u8[?]' 'b:u8[?]'
echo "the picture: $build/cutout.png"
