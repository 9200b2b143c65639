/*
 * help.c - the manual pages: what `winnow --help` and `winnow COMMAND --help` print.
 *
 * A page is put together from parts that the commands share, kept apart here because a C11 string literal has a limit of
 * 4,095 characters.
 */
#include "tool/tool.h"

static const char overview[] =
    "NAME\n"
    "    winnow - masking expressions on NumPy arrays, compiled into one vectorised loop\n"
    "\n"
    "SYNOPSIS\n"
    "    winnow eval    EXPR INPUT... [-o [NAME=]FILE.npy]...   run it\n"
    "    winnow bench   EXPR INPUT... [--json]                  time it\n"
    "    winnow explain EXPR INPUT... [--emit WHAT] [-o FILE]   show what it becomes\n"
    "    winnow check   EXPR INPUT... RULE...                   test what it becomes\n"
    "    winnow COMMAND --help\n"
    "    winnow --version\n"
    "\n"
    "DESCRIPTION\n"
    "    Winnow reads an expression of comparisons, logic, selects, casts and arithmetic over "
    "arrays, makes one\n"
    "    loop of machine code of it, and runs that. x[m] keeps the elements of x where m is true.\n"
    "\n"
    "    Operators have C's precedence, except that & ^ | are logical on bools and bitwise on "
    "integers:\n"
    "        ! ~ -   * / // %   + -   << >>   < <= > >=   == !=   &   ^   |   &&   ||   c ? a : b\n"
    "    Functions: where(c, a, b), cast(x, f32) or f32(x), boolean_mask(t, m, axis=0) or t[m], "
    "nonzero(c), minimum,\n"
    "    maximum, clip, abs, sqrt, floor, ceil, rint, trunc, is_nan, is_inf, is_finite, "
    "multiply_no_nan, select.\n"
    "    Reductions: count any all sum prod mean min max argmin argmax, each as sum(x, where=m, "
    "axis=(0, 1),\n"
    "    keepdims=true), and sum prod min max with initial=1. Back from packed: expand(v, m, "
    "fill), place(a, m, v),\n"
    "    putmask(a, m, v), compress(c, t, axis=0).\n"
    "    Statements end in a semicolon: `input x: f32[?, 3];` declares, `m = x < 0;` names a value "
    "once,\n"
    "    `output y = x[m];` exports one. Without `output`, the last expression is the output. # "
    "starts a comment.\n"
    "\n"
    "    Types: bool i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64. Nothing is promoted silently: "
    "two types that\n"
    "    meet are an error, which names the cast to write. A number in the text takes the type of "
    "what it meets.\n";

static const char shared_arguments[] =
    "\n"
    "EXPRESSION\n"
    "    EXPR is the text itself, or @FILE to read it from a file.\n"
    "\n"
    "INPUTS\n"
    "    NAME=FILE.npy         a NumPy file, mapped, not copied; big-endian and Fortran-order "
    "files are fine\n"
    "    NAME=[1,2,-3]         an array written out: bool, i64, or f64 if any element is a float\n"
    "    NAME=7                a scalar\n"
    "    NAME:TYPE=[[1,2],[3,4]]   of a stated type, which each element must fit\n"
    "    NAME:TYPE=FILE.npy    a file whose type must be TYPE (bf16 is stored as '<V2')\n"
    "    NAME:TYPE[DIMS]       no data, but a shape: each of DIMS a number or ?; f64[] is a "
    "scalar\n"
    "    What the expression declares itself (input x: f32[?];) is checked against the data.\n";

static const char shared_options[] =
    "    --engine jit|interpreter\n"
    "                          machine code, or plain C loops; both give the same bits. Without "
    "this option the\n"
    "                          interpreter takes over where LLVM is not installed. explain and "
    "check "
    "look at the\n"
    "                          machine code in any case.\n"
    "    --isa native|portable|v2|v3|v4\n"
    "                          the instruction set to compile for: the best that this machine "
    "has, what any has,\n"
    "                          or a level of x86-64 (x86-64-v3 is v3)\n"
    "    --threads N           use up to N threads (default 1)\n"
    "    --                    end of options: what follows may begin with -\n"
    "    --help                this page\n";

static const char exit_status_text[] =
    "\n"
    "EXIT STATUS\n"
    "    0  done\n"
    "    1  the expression or the data is wrong, or this machine lacks the --isa; standard error "
    "says why, with\n"
    "       line, column and a caret for an error in the text. No output file is left behind.\n"
    "    2  wrong usage\n";

static const char eval_head[] =
    "NAME\n"
    "    winnow eval - run a masking expression\n"
    "\n"
    "SYNOPSIS\n"
    "    winnow eval EXPR INPUT... [-o [NAME=]FILE.npy]... [OPTION]...\n"
    "\n"
    "DESCRIPTION\n"
    "    Runs the expression on the inputs. Without -o every output is printed as NumPy prints "
    "arrays (of more\n"
    "    than 1,000 elements, the ends), preceded by its name if there are several.\n";

static const char eval_options[] =
    "\n"
    "OPTIONS\n"
    "    -o [NAME=]FILE.npy    write an output to a file instead, as numpy.save does. NAME is an "
    "output or any\n"
    "                          value that the expression names; it may be left out if there is one "
    "output.\n"
    "                          The file appears when everything has succeeded, or not at all.\n"
    "    --no-cache            compile anew, and keep nothing. Without it, compiled code is looked "
    "for and kept in\n"
    "                          $XDG_CACHE_HOME/winnow or ~/.cache/winnow, 64 MiB at most, which "
    "may be removed at\n"
    "                          any time.\n";

static const char eval_examples[] = "\n"
                                    "EXAMPLES\n"
                                    "    winnow eval 'where(x < 0, 0, x)' 'x:f32=[1,2,-3,4,-5]'\n"
                                    "        [1. 2. 0. 4. 0.]\n"
                                    "    winnow eval 'a * i32(m)' 'a:i32=[[1,2],[3,4],[5,6]]' "
                                    "'m=[[true,false],[false,true],[true,true]]'\n"
                                    "    winnow eval 't[m]' t=t.npy m=m.npy -o kept.npy\n"
                                    "    winnow eval 'm = dep > 30 & arr <= 0; dep[m]' "
                                    "dep=dep_delay.npy arr=arr_delay.npy -o m=mask.npy\n";

static const char bench_head[] = "NAME\n"
                                 "    winnow bench - time a masking expression\n"
                                 "\n"
                                 "SYNOPSIS\n"
                                 "    winnow bench EXPR INPUT... [--json] [OPTION]...\n"
                                 "\n"
                                 "DESCRIPTION\n"
                                 "    Compiles the expression, allocates its outputs, runs it "
                                 "again and again for about a second and reports the\n"
                                 "    best time, for one element of the largest input and for the "
                                 "whole run. Inputs declared without data are\n"
                                 "    filled: floats uniformly in [-0.5, 0.5), integers over their "
                                 "type's range, half of the bools true.\n";

static const char bench_options[] =
    "\n"
    "OPTIONS\n"
    "    --json                print one object: elements (of the "
    "largest input), ns_per_element, ns_per_run,\n"
    "                          gb_per_s (each input and each result once), runs, compile_ms (LLVM "
    "loaded),\n"
    "                          first_compile_ms, engine, isa, threads\n";

static const char bench_examples[] = "\n"
                                     "EXAMPLES\n"
                                     "    winnow bench 'where(x < 0, 0, x)' 'x:f32[262144]'\n"
                                     "    winnow bench 'x[a > 0 & b < 0.2]' x=x.npy "
                                     "'a:f32[16777216]' 'b:f32[16777216]' --json --isa x86-64-v3\n";

static const char explain_head[] =
    "NAME\n"
    "    winnow explain - show what a masking expression becomes\n"
    "\n"
    "SYNOPSIS\n"
    "    winnow explain EXPR INPUT... [--emit WHAT] [-o FILE] [OPTION]...\n"
    "\n"
    "DESCRIPTION\n"
    "    Shows the way from the text to machine code: the listing, and beside each instruction the "
    "line that it\n"
    "    serves; or one stage of the way. Declarations are enough: x:f32[?]. The instruction set "
    "need "
    "not be this\n"
    "    machine's. Nothing runs, except for a page (--emit html) whose inputs all have data.\n"
    "    Where llvm-mca is installed, it estimates the cycles of each loop. Colours are for a "
    "terminal, and not\n"
    "    where NO_COLOR is set.\n";

static const char explain_options[] =
    "\n"
    "OPTIONS\n"
    "    --emit WHAT           graph    the canonical listing, itself an expression\n"
    "                          dot      the same for Graphviz\n"
    "                          plan     the loops it is cut into, with reasons\n"
    "                          ir       LLVM IR as emitted;  ir-opt  after the passes\n"
    "                          asm      the instructions\n"
    "                          object   an ELF object (binary: give -o)\n"
    "                          json     all of it, and what connects it (docs/inspection.md)\n"
    "                          html     the same as a page of its own, to be opened in a browser; "
    "with data, a run\n"
    "                                   is measured\n"
    "    -o FILE               write to a file\n";

static const char explain_examples[] =
    "\n"
    "EXAMPLES\n"
    "    winnow explain 'x[x < 0]' 'x:f32[?]' | less -R\n"
    "    winnow explain 'x[x < 0]' x=x.npy --emit html -o report.html\n"
    "    winnow explain 'x[x < 0]' 'x:f32[?]' --emit plan\n"
    "    winnow explain 'where(x < 0, 0, x)' 'x:f32[?]' --emit asm --isa x86-64-v3\n"
    "    winnow explain 'where(x < 0, 0, x)' 'x:f32[?]' --emit dot | dot -Tsvg > graph.svg\n";

static const char check_head[] = "NAME\n"
                                 "    winnow check - test what a masking expression becomes\n"
                                 "\n"
                                 "SYNOPSIS\n"
                                 "    winnow check EXPR INPUT... RULE... [OPTION]...\n"
                                 "\n"
                                 "DESCRIPTION\n"
                                 "    Holds the code that would run against rules, and prints a "
                                 "line for each; one that fails is followed by the\n"
                                 "    offending code, and the exit status is 1. Nothing runs, and "
                                 "declarations are enough: x:f32[?].\n";

static const char check_options[] =
    "\n"
    "RULES\n"
    "    vectorized            every loop is machine code whose innermost loop has vector "
    "registers\n"
    "    isa>=v3               the instruction set: portable, v2, v3, v4\n"
    "    loops==1              loops over arrays that the plan has\n"
    "    no-spill              no innermost loop reads or writes the stack\n"
    "    max-instructions<=14  of any innermost loop\n"
    "    bytes-per-element<=8  that are read and written, in all loops together\n"
    "    with any of == != < <= > >= and any number\n"
    "\n"
    "OPTIONS\n";

static const char check_examples[] = "\n"
                                     "EXAMPLES\n"
                                     "    winnow check 'where(x < 0, 0, x)' 'x:f32[?]' vectorized "
                                     "'loops==1' no-spill 'max-instructions<=14'\n"
                                     "    winnow check 'x > mean(x)' 'x:f32[?]' 'loops==1'\n"
                                     "        FAILED  loops==1: the plan has 2, ...\n";

/* Of the commands that run kernels. */
static const char observing_options[] =
    "    --perf-map            name the kernels for perf, in /tmp/perf-PID.map\n"
    "    --debugger            name them for GDB, which steps through the canonical listing's "
    "lines\n";

/* The pages live in one row each: head, own options, examples. */
static const char *const pages[COMMAND_COUNT_][3] = {{eval_head, eval_options, eval_examples},
                                                     {bench_head, bench_options, bench_examples},
                                                     {explain_head, explain_options, explain_examples},
                                                     {check_head, check_options, check_examples}};

void wn_help(FILE *out) {
    fputs(overview, out);
    fputs(shared_arguments, out);
    fputs("\nOPTIONS\n", out);
    fputs(shared_options, out);
    fputs(eval_examples, out);
    fputs(exit_status_text, out);
}

void wn_help_command(FILE *out, tool_command command) {
    fputs(pages[command][0], out);
    fputs(shared_arguments, out);
    fputs(pages[command][1], out);
    if (command == COMMAND_EVAL || command == COMMAND_BENCH) fputs(observing_options, out);
    fputs(shared_options, out);
    fputs(pages[command][2], out);
    fputs(exit_status_text, out);
}
