#!/usr/bin/env bash
# The `winnow` command from outside: what it prints, its exit status, its files, and what it says of bad ones.
# shellcheck disable=SC2015 # `fail` cannot fail
# shellcheck disable=SC2059 # the data of files are printf's escapes
#
#   tests/command.sh WINNOW [ENGINE]     the binary, and an --engine for all (default: the command's own choice)
set -uo pipefail

golden=$(cd "$(dirname "$0")/golden" && pwd)
page=$(realpath "$(dirname "$0")/../docs/inspection.md")
engine=${2:-}
# shellcheck source=tests/checks.sh
. "$(dirname "$0")/checks.sh" "$1"
export XDG_CACHE_HOME=$folder/cache # not the user's own

run() { # ARGUMENTS...: leaves out, err, status
    local command=$1
    shift
    if [ -n "$engine" ]; then set -- --engine "$engine" "$@"; fi
    timeout 10 "$program" "$command" "$@" >out 2>err # longer is a failure: 124
    status=$?
}
# prints EXPECTED ARGUMENTS... : status 0, exactly this text
prints() {
    local expected=$1
    shift
    checks=$((checks + 1))
    run eval "$@"
    [ "$status" = 0 ] && [ "$(cat out)" = "$expected" ] || fail "eval $*: expected status 0 and: $expected"
}
# fails STATUS PATTERN COMMAND ARGUMENTS... : this status, nothing printed, "winnow: " and the pattern on standard error
fails() {
    local expected=$1 pattern=$2
    shift 2
    checks=$((checks + 1))
    run "$@"
    if [ "$status" != "$expected" ]; then fail "$*: status $status, expected $expected"
    elif [ -s out ]; then fail "$*: printed something"
    elif ! grep -q '^winnow: ' err || ! grep -qE -- "$pattern" err; then fail "$*: message lacks: $pattern"; fi
}

# A little-endian number of WIDTH bytes, as printf's escapes.
number() { # WIDTH VALUE
    local i v=$2
    for ((i = 0; i < $1; i++)); do
        printf '\\x%02x' $((v & 255))
        v=$((v >> 8))
    done
}
# npy FILE VERSION HEADER DATA: a .npy file; DATA in printf's escapes
npy() {
    local width=2 header=$3
    [ "$2" = 1 ] || width=4
    printf "\\x93NUMPY\\x0$2\\x00$(number $width $((${#header} + 1)))" >"$1"
    printf '%s\n' "$header" >>"$1"
    printf "$4" >>"$1"
}
header() { # DESCR SHAPE [ORDER]
    printf "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" "$1" "${3:-False}" "$2"
}

# ---- Results, as NumPy prints them ----------------------------------------------------------------------------------

prints '[1. 2. 0. 4. 0.]' 'where(x < 0, 0, x)' 'x:f32=[1,2,-3,4,-5]'
prints $'[[1 0]\n [0 4]\n [5 6]]' 'multiply(a, cast(m, i32))' 'a:i32=[[1,2],[3,4],[5,6]]' 'm=[[true,false],[false,true],[true,true]]'
prints '[10 30 40 70]' 'boolean_mask(t, m)' 't=[10,20,30,40,50,60,70,80]' 'm:bool=[1,0,1,1,0,0,1,0]'
prints '[ True False]' 'x < 2' 'x=[1,2]'
prints '[False]' 'x < 2' 'x=[nan]'
prints '[]' 'x[x < 0]' 'x=[1,2]'
prints '7' 'x + 3' 'x=4'
prints '3.5' 'x + 0.5' 'x=3.0'
prints 'True' 'x > 0' 'x=3'
prints '1e+20' 'x * -1' 'x=-1e20'
prints '0.1' 'x' 'x:f16=0.1'
prints '0.1' 'x' 'x:bf16=0.1'
prints '[ 1.   2.   0.   4.  -0.1  nan]' x 'x:f32=[1,2,0,4,-0.1,nan]'
prints '[ nan -inf]' x 'x:f64=[nan,-inf]'
prints '[1.e-05 1.e+00 1.e+10]' x 'x=[1e-5,1,1e10]'
prints '[0.12345679 1.        ]' x 'x=[0.1234567890123,1]'
prints '[18446744073709551615                   16]' x 'x:u64=[18446744073709551615,0x10]'
prints '[-9223372036854775808]' x 'x=[-9223372036854775808]'
prints $'[[[ 1  2]\n  [ 3  4]]\n\n [[ 5  6]\n  [ 7 -8]]]' x 'x=[[[1,2],[3,4]],[[5,6],[7,-8]]]'
prints $'[ 1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24\n 25 26 27 28 29 30]' x "x=[$(seq -s, 1 30)]"
prints '[   1    2    3 ...  999 1000 1001]' x "x=[$(seq -s, 1 1001)]"
prints $'a =\n[2 3]\nb =\n[ True False]' 'output a = x + 1; output b = x < 2;' 'x=[1,2]'
prints '[0 1]' 'x' 'x:i8=[0,1]' --threads 2
prints '[-1 -2]' -- '-x' 'x=[1,2]'
prints '[1. 2.]' 'input x: f32[?]; x' 'x=[1,2]'
prints '[2 4]' 'input x: i32[2]; # input y: f32[];
  x + x' 'x:i32=[1,2]'
# What NumPy itself printed: an input's line, then the text.
input=
while IFS= read -r line; do
    case $line in
    '#'*) ;;
    x:*)
        [ -z "$input" ] || prints "$text" x "$input"
        input=$line text=
        ;;
    *) text+=${text:+$'\n'}$line ;;
    esac
done < <(cat "$golden/printed.txt" && echo x:end)
printf 'x +\n 1' >text
prints '[2 3]' @text 'x=[1,2]'

# ---- Literals --------------------------------------------------------------------------------------------------------

fails 1 'x: 300 does not fit u8' eval x 'x:u8=[300]'
fails 1 'x: -1 does not fit u8' eval x 'x:u8=[-1]'
fails 1 'x: 1.5 does not fit i32' eval x 'x:i32=[1.5]'
fails 1 'x: 70000 does not fit f16' eval x 'x:f16=70000'
fails 1 'x: true does not fit i8' eval x 'x:i8=true'
fails 1 'x: 2 does not fit bool' eval x 'x:bool=[2]'
fails 1 'bools and numbers' eval x 'x=[1,true]'
fails 1 'a list of 2 beside one of 1' eval x 'x=[[1],[2,3]]'
fails 1 'a list where an element belongs' eval x 'x=[1,[2]]'
fails 1 'an element where a list belongs' eval x 'x=[[1],2]'
fails 1 'column 4' eval x 'x=[1,'
fails 1 'after the end' eval x 'x=[1]]'
fails 1 'no , or' eval x 'x=[1 2]'
fails 1 'no number' eval x 'x=[0x]'
fails 1 'outside' eval x 'x=18446744073709551616'
fails 1 'does not fit i64' eval x 'x=18446744073709551615'
fails 1 'more than 8 axes' eval x 'x=[[[[[[[[[1]]]]]]]]]'

# ---- .npy files that are read ----------------------------------------------------------------------------------------

npy a.npy 1 "$(header '<i4' '(3,)')" "$(number 4 1)$(number 4 2)$(number 4 3)"
prints '[1 2 3]' x x=a.npy
prints '[1 2 3]' x x:i32=a.npy
npy v2.npy 2 "$(header '<i4' '(3,)')" "$(number 4 1)$(number 4 2)$(number 4 3)"
prints '[1 2 3]' x x=v2.npy
npy v3.npy 3 "$(header '<i4' '(3,)')" "$(number 4 1)$(number 4 2)$(number 4 3)"
prints '[1 2 3]' x x=v3.npy
npy big.npy 1 "$(header '>i4' '(2,)')" '\x00\x00\x01\x00\xff\xff\xff\xfe'
prints '[256  -2]' x x=big.npy
npy bigf.npy 1 "$(header '>f8' '()')" '\x3f\xf8\x00\x00\x00\x00\x00\x00'
prints '1.5' x x=bigf.npy
npy f.npy 1 "$(header '<i2' '(2, 3)' True)" "$(for i in 1 2 3 4 5 6; do number 2 $i; done)"
prints $'[[1 3 5]\n [2 4 6]]' x x=f.npy
prints '[3 5 4 6]' 'x[x > 2]' x=f.npy
npy bigf2.npy 1 "$(header '>i2' '(2, 2)' True)" '\x00\x01\x00\x02\x00\x03\x00\x04'
prints $'[[1 3]\n [2 4]]' x x=bigf2.npy
npy bool.npy 1 "$(header '|b1' '(3,)')" '\x00\x01\x07'
prints '[False  True  True]' 'x & true' x=bool.npy
npy half.npy 1 "$(header '<f2' '(2,)')" '\x00\x3c\x00\xc0'
prints '[ 1. -2.]' x x=half.npy
npy bf.npy 1 "$(header '<V2' '(2,)')" '\x80\x3f\x00\xc0'
prints '[ 1. -2.]' x x:bf16=bf.npy
prints '[ 1. -2.]' 'input x: bf16[?]; x' x=bf.npy
npy empty.npy 1 "$(header '<f4' '(0, 3)')" ''
prints '[]' x x=empty.npy
npy python2.npy 1 "{'shape': (2L,), 'descr':\"<u2\" , 'fortran_order': False}" "$(number 2 5)$(number 2 6)"
prints '[5 6]' x x=python2.npy
prints '[1 2 3]' x "x=/dev/fd/3" 3< <(cat a.npy)

# ---- .npy files that are not ------------------------------------------------------------------------------------------

fails 1 'No such file' eval x x=none.npy
fails 1 'x: a.npy holds i32, but x is declared f32' eval x x:f32=a.npy
fails 1 'x: a.npy holds i32, but x is declared f32' eval 'input x: f32[?]; x' x=a.npy
fails 1 'declared with 2 axes' eval 'input x: i32[?, 3]; x' x=a.npy
fails 1 'length 4 on axis 0' eval 'input x: i32[4]; x' x=a.npy
fails 1 "x:bf16" eval x x=bf.npy
: >nothing.npy
fails 1 'no .npy file' eval x x=nothing.npy
printf 'PK\x03\x04 something else' >zip.npy
fails 1 'no .npy file' eval x x=zip.npy
bad() { # PATTERN VERSION HEADER [DATA]
    npy bad.npy "$2" "$3" "${4:-\\x00}"
    fails 1 "$1" eval x x=bad.npy
}
bad 'version 4.0' 4 "$(header '<i4' '(3,)')"
bad 'cut off: its shape needs 12 bytes, it has 1' 1 "$(header '<i4' '(3,)')"
bad 'negative length' 1 "$(header '<i4' '(-3,)')"
bad 'more elements than memory' 1 "$(header '<i4' '(4611686018427387904, 4)')"
bad 'more elements than memory' 1 "$(header '<i4' '(4611686018427387904,)')"
bad 'past 2\^63' 1 "$(header '<i4' '(99999999999999999999,)')"
bad 'more than 8 axes' 1 "$(header '|i1' '(1, 1, 1, 1, 1, 1, 1, 1, 1)')"
bad 'no tuple' 1 "$(header '|i1' '(1)')"
bad 'no tuple' 1 "$(header '|i1' '1')"
bad 'shape cannot be read' 1 "$(header '|i1' '(1 1)')"
bad 'shape cannot be read' 1 "$(header '|i1' '(a,)')"
bad "'<c8' are not supported" 1 "$(header '<c8' '(1,)')"
bad "'\\|O' are not supported" 1 "$(header '|O' '(1,)')"
bad 'not supported' 1 "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"
bad 'no bool' 1 "$(header '|i1' '(1,)' Maybe)"
bad 'lacks' 1 "{'descr': '|i1', 'shape': (1,), }"
bad 'key too many' 1 "{'descr': '|i1', 'descr': '|i1', 'fortran_order': False, 'shape': (1,), }"
bad 'key too many' 1 "{'descr': '|i1', 'fortran_order': False, 'shape': (1,), 'x': 1}"
bad 'no dict' 1 "['descr']"
bad 'cannot be read' 1 "{'descr"
bad 'goes on after its end' 1 "$(header '|i1' '(1,)') 1"
printf '\x93NUMPY\x01\x00\xff\xff{}' >bad.npy
fails 1 'ends within its header' eval x x=bad.npy
printf '\x93NUMPY\x02\x00\xff\xff\xff\xff{}' >bad.npy
fails 1 'a header of 4294967295 bytes is too long' eval x x=bad.npy
fails 1 'x: .: Is a directory' eval x x=.
# What has no end is refused at its start; of a pipe, what the header says is read, and no more is waited for.
endless() { cat "$@" && sleep 20 2>/dev/null; }
printf 'not NumPy' >text
fails 1 'x: /dev/fd/3: no .npy file' eval x x=/dev/fd/3 3< <(endless text)
fails 1 'x: /dev/zero: no .npy file' eval x x=/dev/zero
prints '[1 2 3]' x x=/dev/fd/3 3< <(endless a.npy)
fails 1 'cut off: its shape needs 12 bytes, it has 8' eval x x=/dev/fd/3 3< <(head -c -4 a.npy)
npy long.npy 1 "$(header '|i1' '(9223372036854775807,)')" ''
fails 1 'more than memory can hold' eval x x=/dev/fd/3 3< <(endless long.npy)

# Every beginning of a good file is a bad one.
size=$(wc -c <a.npy)
for ((length = 0; length < size; length++)); do
    head -c "$length" a.npy >cut.npy
    fails 1 'cut.npy' eval x x=cut.npy
done

# ---- Files that are written --------------------------------------------------------------------------------------------

same() { # FILE DESCR SHAPE DATA: what numpy.save writes
    local text
    text=$(header "$2" "$3")
    npy expected 1 "$(printf '%-117s' "$text")" "$4"
    cmp -s "$1" expected
}
run eval 'x + 1' x=a.npy -o b.npy
is 'nothing is printed with -o' test ! -s out
is 'a written file' same b.npy '<i4' '(3,)' "$(number 4 2)$(number 4 3)$(number 4 4)"
prints '[2 3 4]' x x=b.npy
run eval x x=3.0 -o scalar.npy
is 'a written scalar' same scalar.npy '<f8' '()' '\x00\x00\x00\x00\x00\x00\x08\x40'
run eval 'x > 1' 'x=[[1,2]]' -omask.npy
is 'written bools' same mask.npy '|b1' '(1, 2)' '\x00\x01'
run eval 'x' 'x:bf16=[1]' -o bf2.npy
is 'written bf16' same bf2.npy '<V2' '(1,)' '\x80\x3f'
run eval 'x[x > 9]' x=a.npy -o none.npy
is 'a written empty file' same none.npy '<i4' '(0,)' ''
rm -f none.npy
run eval 'x + 1' x=b.npy -o b.npy
is 'an input is overwritten' same b.npy '<i4' '(3,)' "$(number 4 3)$(number 4 4)$(number 4 5)"
run eval 'm = x > 1; x[m]' x=a.npy -o m=m.npy -o r.npy
is 'a named value' same m.npy '|b1' '(3,)' '\x00\x01\x01'
is 'the output beside it' same r.npy '<i4' '(2,)' "$(number 4 2)$(number 4 3)"
run eval 'output a = x + 1; output b = x < 2;' x=a.npy -o b=only.npy
is 'one of two outputs' same only.npy '|b1' '(3,)' '\x01\x00\x00'
run eval x x=a.npy -o /dev/stdout
is 'a device is written to, not replaced' same out '<i4' '(3,)' "$(number 4 1)$(number 4 2)$(number 4 3)"
long=$(printf '%0251d.npy' 0)
run eval x x=a.npy -o "$long"
is 'a name may be as long as names can be' same "$long" '<i4' '(3,)' "$(number 4 1)$(number 4 2)$(number 4 3)"
ln -s target.npy link.npy
: >target.npy
run eval x x=a.npy -o link.npy
is 'a link stays a link' test -L link.npy
is 'what it leads to is written' same target.npy '<i4' '(3,)' "$(number 4 1)$(number 4 2)$(number 4 3)"
cp a.npy modes.npy
for mode in 640 755; do
    chmod $mode modes.npy
    run eval 'x + 1' x=a.npy -o modes.npy
    is "a file keeps its mode $mode" test "$(stat -c %a modes.npy)" = $mode
done
rm modes.npy
(umask 027 && run eval x x=a.npy -o modes.npy)
is "a new file's mode is the umask's" test "$(stat -c %a modes.npy)" = 640

# A failed run leaves no file, new or temporary, and what was there.
mkdir clean
ln -s nothing.here dangling.npy
fails 1 'nosuch' eval 'nosuch + 1' x=a.npy -o clean/y.npy
fails 1 'nothing in the expression is called q' eval x x=a.npy -o clean/y.npy -o q=clean/q.npy
fails 1 'No such file' eval 'm = x > 1; x' x=a.npy -o m=clean/m.npy -o nodir/y.npy
fails 1 'directory' eval x x=a.npy -o clean
fails 1 'a link that leads nowhere' eval x x=a.npy -o dangling.npy
is 'a dangling link stays' test -L dangling.npy
cp a.npy clean/old.npy
fails 1 'mask' eval 'x[m]' x=a.npy 'm:bool=[1,0]' -o clean/old.npy
fails 1 'No such file' eval 'm = x > 1; x' x=a.npy -o m=clean/old.npy -o nodir/y.npy
(ulimit -f 1; run eval x "x=[$(seq -s, 1 1000)]" -o clean/old.npy; exit "$status")
is 'a file that gets too large is an error' test $? = 1
is 'a failed run keeps an old file' cmp -s a.npy clean/old.npy
if [ -w /dev/full ]; then fails 1 'No space left' eval x x=a.npy -o /dev/full; fi
chmod 444 clean/old.npy
if [ ! -w clean/old.npy ]; then # root may write it
    fails 1 'old.npy: Permission denied' eval x x=a.npy -o clean/old.npy
    chmod 644 clean/old.npy
    chmod 555 clean
    fails 1 'no file can be made in its folder: Permission denied' eval x x=a.npy -o clean/old.npy
    chmod 755 clean
fi
rm -f clean/old.npy
fails 1 'mask' eval 'x[m]' x=a.npy 'm:bool=[1,0]' -o clean/y.npy
fails 2 'twice' eval 'm = x > 1; x' x=a.npy -o m=clean/y.npy -o clean/y.npy
fails 2 '2 outputs' eval 'output a = x; output b = x;' x=a.npy -o clean/y.npy
is 'failed runs leave nothing behind' test -z "$(ls -A clean)"

# ---- Wrong usage ---------------------------------------------------------------------------------------------------------

usage() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    checks=$((checks + 1))
    "$program" "$@" >out 2>err
    status=$?
    [ "$status" = 2 ] && [ ! -s out ] && grep -qE -- "$pattern" err || fail "$*: expected status 2 and: $pattern"
}
usage 'no command given'
usage 'no command' frobnicate
usage 'no expression' eval
usage 'is no input' eval x 5
usage 'is no input' eval x 1x=5
usage 'nothing after' eval x x=
usage 'no type' eval x x:f99=1
usage 'no type' eval x x:=1
usage 'dimensions' eval x 'x:f32[a]'
usage 'dimensions' eval x 'x:f32[1,'
usage 'dimensions' eval x 'x:f32[99999999999999999999]'
usage 'no value' eval x x:f32
usage 'declared without data' eval x 'x:f32[3]'
usage 'given twice' eval x x=1 x=2
usage "no option '--json'" eval x x=1 --json
usage "no option '--frob'" eval x x=1 --frob
usage "no option '-x'" eval -x x=1
usage 'needs a value' eval x x=1 -o
usage 'needs a value' eval x x=1 --isa
usage 'takes FILE' eval x x=1 -o y=
usage 'jit or interpreter' eval x x=1 --engine llvm
usage 'x86-64-v2' eval x x=1 --isa=avx
run explain x 'x:f32[?]' --emit json --isa v2
is '--isa v2 is x86-64-v2' grep -q '"isa":"x86-64-v2"' out
usage '--threads' eval x x=1 --threads 0
usage '--threads' eval x x=1 --threads=-1
usage 'needs lengths' bench x 'x:f32[?]'
run explain 'where(x < 0, 0, x)' 'x:f32[?]' --emit json
is 'json has the listing' grep -q '"listing":\[{"text":"input x: f32\[?\];"' out
usage '--emit is' explain x 'x:f32[?]' --emit pdf
usage 'one -o' explain x 'x:f32[?]' -o a -o b

# ---- Rules on code ----------------------------------------------------------------------------------------------------------

run check x 'x:f32[?]' 'loops==1'
if [ "$status" = 0 ]; then # else there is no compiler
    run check 'where(x < 0, 0, x)' 'x:f32[?]' vectorized 'loops==1' no-spill 'max-instructions<=16' 'bytes-per-element<=8' 'isa>=v3' --isa x86-64-v3
    is 'rules that are met: status 0' [ "$status" = 0 ]
    is 'and a line each' [ "$(grep -c '^ok ' out)" = 6 ]
    run check 'where(x < 0, 0, x)' 'x:f32[?]' 'max-instructions<=3' vectorized --isa x86-64-v3
    is 'a rule that is broken: status 1' [ "$status" = 1 ]
    is 'which one, and by how much' grep -q '^FAILED  max-instructions<=3: the innermost loop of wn_map_0 has 11, for 32 elements$' out
    is 'the offending code is shown, and where a jump goes' grep -q ' jl 20$' out
    is 'the offending code is shown' grep -q 'vmaxps (%rcx,%rsi,4)' out
    is 'the other rules are looked at' grep -q '^ok      vectorized$' out
    run check 'x > mean(x)' 'x:f32[?]' 'loops==1'
    is 'loops: why there are more' grep -q 'the plan has 2, the last because: it needs values' out
fi
usage 'no rule given' check x 'x:f32[?]'
usage "'fast' is no rule" check x 'x:f32[?]' fast
usage "'isa>=v9' is no rule" check x 'x:f32[?]' 'isa>=v9'
fails 1 'nothing is named "y"' check 'x + y' 'x:f32[?]' vectorized
run explain 'm = x < 0; y = x[q]' 'x:f32[?]' --emit json
is 'json of what does not compile: status 1' [ "$status" = 1 ]
is 'and it is explained as far as it got' grep -q '"label":"m"' out

# ---- Wrong expressions ------------------------------------------------------------------------------------------------------

fails 1 '\^' eval 'x +* 1' x=1
fails 1 'No such file' eval @nofile x=1
fails 1 'Is a directory' eval @. x=1
fails 1 'longer than any expression' eval @/dev/zero x=1
fails 1 'f32' eval 'x + y' x:f32=1 y:f64=1
fails 1 'declared f32 in the expression, f64 on the command line' eval 'input x: f32[?]; x' 'x:f64=[1]'
fails 1 'has no data' eval 'input x: f32[?]; x'

# ---- bench and explain ---------------------------------------------------------------------------------------------------------

run bench 'where(x < 0, 0, x)' 'x:f32[1000]' --json
is 'bench succeeds' test "$status" = 0
for key in elements ns_per_element gb_per_s compile_ms first_compile_ms engine isa threads; do
    is "bench --json has $key" grep -q "\"$key\": " out
done
read -r warm first < <(sed 's/.*"compile_ms": \([^,]*\), "first_compile_ms": \([^,]*\),.*/\1 \2/' out)
is 'and both are times' awk "BEGIN { exit !($warm > 0 && $first > 0) }"
is 'bench --json counts elements' grep -q '"elements": 1000,' out
run bench 'x[x < 0]' 'x:f32=[1,-2,-3]' --json
read -r ns rate < <(sed 's/.*"ns_per_run": \([^,]*\), "gb_per_s": \([^,]*\),.*/\1 \2/' out)
is 'bench --json: GB/s are of the inputs and of what was kept' awk "BEGIN { b = $ns * $rate; exit !(b > 19.8 && b < 20.2) }"
run explain 'where(x < 0, 0, x)' 'x:f32[?]' --emit graph
cp out listing
is 'explain works from declarations' grep -q 'input x: f32\[?\]' listing
prints '[1. 0.]' @listing 'x:f32=[1,-2]'
run explain x 'x:f32[?]' --emit dot
is 'explain --emit dot' grep -q digraph out
run explain 'x[x < 0]' 'x:f32[?]' --emit plan -o plan.txt
is 'explain -o writes a file' test -s plan.txt

# The view for a terminal.
explain_where() { # [COMMAND...] to run it with
    timeout 30 "$@" "$program" explain 'where(x < 0, 0, x)' 'x:f32[?]' --isa x86-64-v3 >out 2>err
    status=$?
}
explain_where env
is 'explain shows the listing' grep -qE '^ +2  v1 = less\(x, 0\.0\);' out
if [ "$status" = 0 ]; then # else there is no compiler
    is 'what became of a line' grep -qE '^ +2  v1 = less\(x, 0\.0\); +absorbed by result$' out
    # What the documentation shows, but for what is left out there, and what differs with LLVM.
    sed -n '/^\$ winnow explain .where(x < 0, 0, x)/,/^```/{/^[$`]/d;/^   \.\.\./d;/ cycles /d;/ bytes (--emit asm/d;/^$/d;p}' "$page" >shown
    is 'docs/inspection.md shows lines of it' test "$(wc -l <shown)" -gt 15
    is 'as they are' test "$(sort -u shown | wc -l)" = "$(sort -u out | grep -cFxf shown)"
    is 'an instruction beside the line that it serves' \
        grep -qE '^ +20 │ vmaxps \(%rcx,%rsi,4\), %ymm0, %ymm1 +result +output result = where\(v1, 0\.0, x\);$' out
    is "a function's figures" grep -q 'loop: 11 instructions for 32 elements, 4 loads, 4 stores, 0 spills, 256-bit vectors' out
    is 'no colour but on a terminal' sh -c '! grep -q "$(printf "\033")" out'
    mkdir tools
    explain_where env PATH="$folder/tools"
    is 'without llvm-mca: a line says so' grep -q '^llvm-mca is not installed' out
    is 'without llvm-mca: all the rest is there' grep -q 'vmaxps' out
    fake_mca() { printf '#!/bin/sh\n%s\n' "$1" >tools/llvm-mca-22; chmod +x tools/llvm-mca-22; }
    fake_mca '/bin/cat >loops; printf "[0] Code Region - 0\n\nIterations: 100\nTotal Cycles:   425\nBlock RThroughput: 4.0\n"'
    explain_where env PATH="$folder/tools"
    is "llvm-mca's cycles" grep -q '^    4.25 cycles an iteration, block throughput 4 (llvm-mca-22, skylake)$' out
    is 'llvm-mca reads the innermost loops' grep -q '^vmaxps 32(%rcx,%rsi,4), %ymm0, %ymm1$' loops
    is 'as regions' test "$(grep -c '^# LLVM-MCA-BEGIN [01]$' loops)" = 2
    for bad in 'exit 1' 'kill -9 $$' '/bin/head -c 3000000 /dev/zero; exit 0' 'printf "[0] Code Region - 0\n[1] Code Region - 9\n[2] Code Region - 9\n[3] Code Region - 9"'; do
        fake_mca "$bad"
        explain_where env PATH="$folder/tools"
        is "an llvm-mca that does \"$bad\"" test "$status" = 0
    done
    fake_mca 'exit 1'
    explain_where env PATH="$folder/tools"
    is 'a failing llvm-mca: a line says so' grep -q '^llvm-mca failed' out
fi
if command -v script >/dev/null; then # makes a terminal
    on_terminal() { TERM=xterm NO_COLOR=$1 script -qec "'$program' explain 'x + 1' 'x:f32[?]'" /dev/null >out 2>err </dev/null; }
    colours() { grep -q "$(printf '\033\[')" out; }
    plain() { ! colours; }
    on_terminal ''
    is 'colours on a terminal' colours
    on_terminal 1
    is 'no colours with NO_COLOR' plain
fi
run explain 'm = x < 0; y = x[q]' 'x:f32[?]'
is 'what does not compile is explained as far as it got' grep -q 'input x: f32' out
is 'and the status is 1' test "$status" = 1
is 'and why' grep -q 'nothing is named "q"' err

# The page: whole or not at all.
run explain x 'x:f32[?]' --emit html -o page.html
is 'explain --emit html' grep -q '</html>' page.html
cp page.html page.old
(ulimit -f 8; run explain x 'x:f32[?]' --emit html -o page.html; exit "$status")
is 'a page that gets too large is an error' test $? = 1
is 'and the old one stays' cmp -s page.html page.old
is 'and nothing else is left' test -z "$(ls -d .winnow-* 2>/dev/null)"
fails 1 'No such file' explain x 'x:f32[?]' --emit html -o nodir/page.html
if [ -w /dev/full ]; then fails 1 'No space left' explain x 'x:f32[?]' --emit html -o /dev/full; fi
# ---- The cache on disk -----------------------------------------------------------------------------------------------------------

again() {
    prints '[1. 0.]' 'where(x < 0, 0, x)' 'x:f32=[1,-2]' "$@"
    [ "$jit" = 0 ] || is 'nothing is said of the cache' test ! -s err
}
kept() { find "$1" -name '*.kernel' 2>/dev/null | wc -l; }
loads_llvm() { LD_DEBUG=files "$program" eval 'where(x < 0, 0, x)' 'x:f32=[1,-2]' "$@" 2>&1 | grep -q 'calling init: .*libLLVM'; }

rm -rf cache
run bench 'where(x < 0, 0, x)' 'x:f32[1000]' --json
jit=$(grep -c '"engine": "jit"' out)
run explain 'where(x < 0, 0, x)' 'x:f32[?]'
again --no-cache
again --engine interpreter
is 'only eval keeps kernels, and not with --no-cache' test ! -e cache
if [ "$jit" = 1 ]; then
    again
    is 'eval keeps a kernel' test "$(kept cache/winnow)" = 1
    is 'in a directory of mode 700' test "$(stat -c %a cache/winnow)" = 700
    file=$(echo cache/winnow/*.kernel)
    is 'in a file of mode 600' test "$(stat -c %a "$file")" = 600
    inode=$(stat -c %i "$file")
    again
    is 'and uses it' test "$(stat -c %i "$file")" = "$inode"
    # In a static build LLVM is there before anything is compiled.
    if loads_llvm --no-cache && ! loads_llvm --engine interpreter; then
        checks=$((checks + 1))
        ! loads_llvm || fail 'a kernel that is kept needs no LLVM'
    fi
    printf x >>"$file"
    again
    is 'a damaged file is replaced' test "$(stat -c %i "$file")" != "$inode"
    rm -rf cache/winnow
    ln -s /dev/null cache/winnow
    again
    rm cache/winnow
    XDG_CACHE_HOME='' HOME=$folder/home again
    is 'without a home there is no cache' test ! -e home
    mkdir home
    XDG_CACHE_HOME=cache HOME=$folder/home again
    is 'a relative path of caches is ignored' test "$(kept home/.cache/winnow)$(kept cache)" = 10
fi

# ---- Help ------------------------------------------------------------------------------------------------------------------------

for arguments in --help -h help 'eval --help' 'bench --help' 'explain -h' 'help eval'; do
    # shellcheck disable=SC2086 # two words
    "$program" $arguments >out 2>err
    status=$?
    is "$arguments succeeds" test "$status" = 0
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'EXIT STATUS'; do
        is "$arguments has $section" grep -qx "$section" out
    done
done
"$program" --version >out 2>err
is '--version' grep -qE '^winnow [0-9]+\.[0-9]+\.[0-9]+$' out
if [ -w /dev/full ]; then
    "$program" eval x x=1 >/dev/full 2>err
    is 'a full disk is noticed' test $? = 1
fi

conclude
