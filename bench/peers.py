"""peers.py - what a user would write in place of Winnow, timed in rounds as winnow-bench says (peers.c has the protocol).

One row a text, one spelling a peer; of several (a list) the fastest counts. A spelling sees the inputs by their letters, `out`,
allocated before and as large as the inputs ask for, and the peer's own module. Where it may branch on what is selected, no call sees the order
of elements that another saw. A peer that is not installed says so in place of its version; one that has
no spelling, fails or gives another result has no part in a cell.
"""

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", POLARS_MAX_THREADS="1", NUMBA_NUM_THREADS="1", OMP_NUM_THREADS="1",
                  JAX_PLATFORMS="cpu", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
                  TF_ENABLE_ONEDNN_OPTS="0")

import importlib
import json
import re
import sys
import time

import numpy as np

UNSEEN = 1 << 15  # elements that a sample goes through, if no call is to see what another saw: they fit a second cache
WARM_CALLS = 4

NODES20 = ("where((a > 0) & (b < 0.2) | !(c >= x), x * 2 + a * b - where(c < e, c, e), "
           "(x - f) * 0.5 + abs(e) - f * (a - c))")
COLUMNS = "output p = x[m]; output q = a[m]; output r = b[m]"


def where(t):
    """The row of where(t < 0, 0, t)."""
    return dict(numpy=[f"np.where({t} < 0, zero({t}), {t})", f"np.copyto(out, {t}); np.putmask(out, {t} < 0, 0); out"],
                jax=f"np.where({t} < 0, zero({t}), {t})", numba=f"map: zero if {t} < 0 else {t}",
                tensorflow=f"tf.where({t} < 0, zero({t}), {t})", polars=f"pl.when({t} < 0).then(zero({t})).otherwise({t})",
                pyarrow=f"pc.if_else(pc.less({t}, zero({t})), zero({t}), {t})")


def mask(t, condition, numba, arrow):
    """The row of t[condition]."""
    return dict(numpy=[f"{t}[{condition}]", f"np.compress({condition}, {t})"], jax=f"eager: {t}[{condition}]",
                numba=[f"pack: {numba}: {t}", f"select: {numba}: {t}"], tensorflow=f"tf.boolean_mask({t}, {condition})",
                polars=f"{t}.filter({condition})", pyarrow=f"{t}.filter({arrow})")


def reduction(name, t, numba, tensorflow, polars, arrow, condition=None):
    """The row of name(t), or of a numpy spelling that is more."""
    spelling = condition or f"np.{name}({t})"
    return dict(numpy=spelling, jax=spelling, numba=numba, tensorflow=tensorflow, polars=polars, pyarrow=arrow)


AND = "(a > 0) & (b < lit(0.2))"
ARROW_AND = "pc.and_(pc.greater(a, lit(0)), pc.less(b, lit(0.2)))"
ROWS = {
    "where(x < 0, 0, x)": where("x"),
    "where(d < 0, 0, d)": where("d"),
    "where(s < 0, 0, s)": where("s"),
    "x * f32(a > 0.1)": dict(
        numpy="np.multiply(x, a > lit(0.1), out=out)", jax="x * (a > lit(0.1))", numba="map: x * np.float32(a > lit)",
        tensorflow="x * tf.cast(a > lit(0.1), tf.float32)", polars="x * (a > lit(0.1)).cast(pl.Float32)",
        pyarrow="pc.multiply(x, pc.cast(pc.greater(a, lit(0.1)), 'float'))"),
    "(a > 0) & (b < 0.2) | !(c >= x)": dict(
        numpy=f"np.logical_or({AND}, ~(c >= x), out=out)", jax=f"{AND} | ~(c >= x)",
        numba="map: (a > 0) & (b < lit2) | (not (c >= x))", tensorflow=f"{AND} | ~(c >= x)", polars=f"{AND} | ~(c >= x)",
        pyarrow=f"pc.or_({ARROW_AND}, pc.invert(pc.greater_equal(c, x)))"),
    NODES20: dict(
        numpy=f"np.where({AND} | ~(c >= x), x * 2 + a * b - np.where(c < e, c, e), (x - f) * lit(0.5) + np.abs(e) - f * (a - c))",
        jax=f"np.where({AND} | ~(c >= x), x * 2 + a * b - np.where(c < e, c, e), (x - f) * lit(0.5) + np.abs(e) - f * (a - c))",
        numba="map: x * two + a * b - (c if c < e else e) if (a > 0) & (b < lit2) | (not (c >= x)) else (x - f) * half + abs(e) - f * (a - c)",
        tensorflow=f"tf.where({AND} | ~(c >= x), x * 2 + a * b - tf.where(c < e, c, e), (x - f) * 0.5 + tf.abs(e) - f * (a - c))",
        polars=f"pl.when({AND} | ~(c >= x)).then(x * lit(2) + a * b - pl.when(c < e).then(c).otherwise(e))"
               ".otherwise((x - f) * lit(0.5) + e.abs() - f * (a - c))",
        pyarrow=f"pc.if_else(pc.or_({ARROW_AND}, pc.invert(pc.greater_equal(c, x))), pc.subtract(pc.add(pc.multiply(x, lit(2)), "
                "pc.multiply(a, b)), pc.if_else(pc.less(c, e), c, e)), pc.subtract(pc.add(pc.multiply(pc.subtract(x, f), lit(0.5)), "
                "pc.abs(e)), pc.multiply(f, pc.subtract(a, c))))"),
    "expand(v, m, x)": dict(
        numpy=["np.copyto(out, x); out[m] = v; out", "np.copyto(out, x); np.place(out, m, v); out"],
        jax="np.where(m, v[np.cumsum(m) - 1], x)", numba="expand:",
        tensorflow="tf.tensor_scatter_nd_update(x, tf.where(m), v)", pyarrow="pc.replace_with_mask(x, m, v)"),
    "x[x < 0]": mask("x", "x < 0", "x < 0", "pc.less(x, lit(0))"),
    "d[d < 0]": mask("d", "d < 0", "d < 0", "pc.less(d, zero(d))"),
    "s[s < 0]": mask("s", "s < 0", "s < 0", "pc.less(s, zero(s))"),
    "u[u < 77]": mask("u", "u < 77", "u < 77", "pc.less(u, pa.scalar(77, 'uint8'))"),
    "x[(a > 0) & (b < 0.2)]": mask("x", AND, "(a > 0) & (b < lit2)", ARROW_AND),
    "x[m]": mask("x", "m", "m", "m"),
    "t[m]": dict(numpy=["t[m]", "np.compress(m, t, axis=0)"], jax="eager: t[m]", numba="rows:",
                 tensorflow="tf.boolean_mask(t, m)"),
    COLUMNS: dict(
        numpy="(x[m], a[m], b[m])", jax="eager: (x[m], a[m], b[m])", numba="columns:",
        tensorflow="[tf.boolean_mask(t, m) for t in (x, a, b)]", polars="frame: df.select('x', 'a', 'b').filter(m)",
        pyarrow="pa.table([x, a, b], 'xab').filter(m).columns"),
    "nonzero(x < 0)": dict(
        numpy=["np.argwhere(x < 0)", "np.flatnonzero(x < 0)"], jax="eager: np.argwhere(x < 0)", numba="pack: x < 0: index",
        tensorflow="tf.where(x < 0)", polars="(x < 0).arg_true()", pyarrow="pc.indices_nonzero(pc.less(x, lit(0)))"),
    "sum(x)": reduction("sum", "x", "sum: x", "tf.reduce_sum(x)", "x.sum()", "pc.sum(x)"),
    "sum(d)": reduction("sum", "d", "sum: d", "tf.reduce_sum(d)", "d.sum()", "pc.sum(d)"),
    "sum(i)": reduction("sum", "i", "sum: np.int64(i)", "tf.reduce_sum(tf.cast(i, tf.int64))", "i.cast(pl.Int64).sum()", "pc.sum(i)"),
    "sum(u)": reduction("sum", "u", "sum: np.uint64(u)", "tf.reduce_sum(tf.cast(u, tf.uint64))", "u.cast(pl.UInt64).sum()", "pc.sum(u)"),
    "mean(u)": reduction("mean", "u", "mean: np.float64(u)", "tf.reduce_mean(tf.cast(u, tf.float64))", "u.mean()", "pc.mean(u)"),
    "mean(x)": reduction("mean", "x", "mean: x", "tf.reduce_mean(x)", "x.mean()", "pc.mean(x)"),
    "min(x)": reduction("min", "x", "fold: x < r: x", "tf.reduce_min(x)", "x.min()", "pc.min(x)"),
    "max(x)": reduction("max", "x", "fold: x > r: x", "tf.reduce_max(x)", "x.max()", "pc.max(x)"),
    "argmin(x)": reduction("argmin", "x", "place: x < r: x", "tf.argmin(x)", "x.arg_min()", "pc.index(x, pc.min(x))"),
    "sum(x, where=m)": dict(
        numpy=["np.sum(x, where=m)", "np.sum(x[m])", "np.sum(x * m)"], jax="np.sum(x, where=m)", numba="sum: x if m else zero",
        tensorflow=["tf.reduce_sum(tf.boolean_mask(x, m))", "tf.reduce_sum(tf.where(m, x, 0))"], polars="x.filter(m).sum()",
        pyarrow="pc.sum(x.filter(m))"),
    "sum(x[x > 0])": dict(
        numpy=["np.sum(x[x > 0])", "np.sum(x, where=x > 0)", "np.sum(np.where(x > 0, x, zero(x)))"],
        jax="np.sum(x, where=x > 0)", numba="sum: x if x > 0 else zero",
        tensorflow=["tf.reduce_sum(tf.boolean_mask(x, x > 0))", "tf.reduce_sum(tf.where(x > 0, x, 0))"],
        polars="x.filter(x > 0).sum()", pyarrow="pc.sum(x.filter(pc.greater(x, lit(0))))"),
    "count(x < 0)": reduction("", "", "sum: np.int64(x < 0)", "tf.math.count_nonzero(x < 0)", "(x < 0).sum()",
                              "pc.sum(pc.less(x, lit(0)))", "np.count_nonzero(x < 0)"),
    "count(x)": reduction("count_nonzero", "x", "sum: np.int64(x != 0)", "tf.math.count_nonzero(x)", "(x != 0).sum()",
                          "pc.sum(pc.not_equal(x, lit(0)))"),
    "any(x > 2)": reduction("", "", "any: x > two", "tf.reduce_any(x > 2)", "(x > 2).any()", "pc.any(pc.greater(x, lit(2)))",
                            "np.any(x > 2)"),
}

# ---- Numba: what its user writes is a loop; these are the loops, by kind, around a spelling ------------------------------------

NUMBA = {
    "map": "for index in range(n): OUT[index] = {0}",
    "pack": "k = 0\n  for index in range(n):\n    if {0}:\n      OUT[k] = {1}\n      k += 1\n  return k",
    "select": "k = 0\n  for index in range(n):\n    OUT[k] = {1}\n    k += 1 if {0} else 0\n  return k",
    "expand": "k = 0\n  for index in range(n):\n    OUT[index] = V[k] if m else x\n    k += m",
    "rows": "k = 0\n  for index in range(n):\n    if m:\n      for j in range(3): OUT[k, j] = T[index, j]\n      k += 1\n  return k",
    "columns": "k = 0\n  for index in range(n):\n    if m:\n      OUT[0, k] = x\n      OUT[1, k] = a\n      OUT[2, k] = b\n"
               "      k += 1\n  return k",
    "sum": "r = start\n  for index in range(n): r += {0}\n  OUT[0] = r",
    "mean": "r = start\n  for index in range(n): r += {0}\n  OUT[0] = r / n",
    "fold": "r = X[0]\n  for index in range(n): r = {1} if {0} else r\n  OUT[0] = r",
    "place": "r = X[0]\n  at = 0\n  for index in range(n):\n    if {0}:\n      r = {1}\n      at = index\n  OUT[0] = at",
    "any": "OUT[0] = False\n  for index in range(n):\n    if {0}:\n      OUT[0] = True\n      break",
}


def numba_loop(module, spelling, inputs, expected):
    """A function that binds inputs; the letters become elements."""
    kind, *parts = spelling.split(": ") if ": " in spelling else [spelling.rstrip(":")]
    body = NUMBA[kind].format(*parts)
    letters = "".join(inputs)
    for letter in letters:
        body = re.sub(rf"\b{letter}\b", f"{letter.upper()}[index]", body)
    first = inputs[letters[-1] if kind == "expand" else letters[0]]
    names = dict(np=np, zero=first.dtype.type(0), lit=np.float32(0.1), lit2=np.float32(0.2), two=np.float32(2),
                 half=np.float32(0.5), start=expected[0].dtype.type(0))
    exec(f"def loop(OUT, n, {', '.join(letters.upper())}):\n  {body}", names)
    fast = {"reassoc", "nsz"} if kind in ("sum", "mean") else False
    loop = module.njit(names["loop"], fastmath=fast)
    n = len(first)
    length = (n,) if expected[0].ndim else (1,)
    out = np.empty(((3,) if kind == "columns" else ()) + length + expected[0].shape[1:], expected[0].dtype)
    if kind in ("pack", "select") and expected[0].ndim == 2:
        out = np.empty(n, expected[0].dtype)

    def bind(inputs):
        arrays = list(inputs.values())

        def run():
            count = loop(out, n, *arrays)
            if count is None:
                return out if expected[0].ndim else out[0]
            return [o[:count] for o in out] if kind == "columns" else out[:count]
        return run
    return bind


# ---- How each peer's spelling becomes a function that binds inputs: its value has no arguments ---------------------------------


def numpy_make(module, spelling, inputs, expected):
    n = max(map(len, inputs.values()))
    out = np.empty((n,) if expected[0].shape else (), expected[0].dtype)
    *steps, value = spelling.split("; ")
    lines = "".join(f"  {step}\n" for step in steps)

    def bind(inputs):
        names = dict(inputs, np=np, out=out, zero=lambda t: t.dtype.type(0), lit=np.float32)
        exec(f"def run():\n{lines}  return {value}", names)
        return names["run"]
    return bind


def jax_make(jax, spelling, inputs, expected):
    import jax.numpy as jnp
    eager = spelling.startswith("eager: ")
    names = dict(np=jnp, zero=lambda t: t.dtype.type(0), lit=np.float32)
    function = eval(f"lambda {', '.join(inputs)}: {spelling.removeprefix('eager: ')}", names)
    if not eager:
        function = jax.jit(function)

    def bind(inputs):
        arrays = [jnp.asarray(array) for array in inputs.values()]
        return lambda: jax.block_until_ready(function(*arrays))
    return bind


def tensorflow_make(tf, spelling, inputs, expected, compiled=False):
    names = dict(tf=tf, zero=lambda t: tf.zeros((), t.dtype), lit=np.float32)
    function = eval(f"lambda {', '.join(inputs)}: {spelling}", names)
    if compiled:
        function = tf.function(function, jit_compile=True)

    def bind(inputs):
        arrays = [tf.constant(array) for array in inputs.values()]
        return lambda: function(*arrays)
    return bind


def xla_make(tf, spelling, inputs, expected):
    return tensorflow_make(tf, spelling, inputs, expected, True)


def polars_make(pl, spelling, inputs, expected):
    """A series that is filtered or reduced needs no frame; a condition that chooses does."""
    def bind(inputs):
        columns = {letter: pl.Series(letter, array) for letter, array in inputs.items() if letter != "v"}
        names = dict(columns, pl=pl, df=pl.DataFrame(list(columns.values())))
        names["lit"] = lambda value: pl.lit(value, pl.Float32) if "pl.when" in spelling else value
        if "pl.when" in spelling:
            names.update({letter: pl.col(letter) for letter in columns})
            dtype = next(iter(columns.values())).dtype
            names["zero"] = lambda t: pl.lit(0, dtype)
            expression = eval(spelling, names)
            return lambda: names["df"].select(expression).to_series()
        return eval(f"lambda: {spelling.removeprefix('frame: ')}", names)
    return bind


def pyarrow_make(pa, spelling, inputs, expected):
    import pyarrow.compute as pc
    if any(array.ndim > 1 for array in inputs.values()):
        raise TypeError

    def bind(inputs):
        arrays = {letter: pa.array(array) for letter, array in inputs.items()}
        return eval(f"lambda: {spelling}", dict(arrays, pa=pa, pc=pc, zero=lambda t: pa.scalar(0, t.type),
                                                lit=lambda value: pa.scalar(value, "float")))
    return bind


def as_numpy(value):
    if hasattr(value, "to_numpy"):
        try:
            return value.to_numpy(zero_copy_only=False)
        except TypeError:
            return value.to_numpy()
    return np.asarray(value.as_py() if hasattr(value, "as_py") else value)


def are_same(value, expected):
    values = [value]
    if len(expected) > 1:
        values = value.get_columns() if hasattr(value, "get_columns") else list(value)
    for got, want in zip(values, expected, strict=True):
        got = as_numpy(got)
        if got.ndim == 1 and want.ndim == 2 and want.shape[1] == 1:
            got = got[:, None]
        if got.shape != want.shape:
            return False
        if want.dtype.kind == "f":
            if not np.allclose(got, want, rtol=1e-4, atol=1e-6 * (1 if want.ndim else 1 << 24), equal_nan=True):
                return False
        elif not np.array_equal(got, want):
            return False
    return True


# ---- Peers ---------------------------------------------------------------------------------------------------------------------


def import_numpy():
    return np


def import_tensorflow():
    tf = importlib.import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def import_jax():
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def import_pyarrow():
    pa = importlib.import_module("pyarrow")
    pa.set_cpu_count(1)
    importlib.import_module("pyarrow.compute")
    return pa


PEERS = {  # name: (module, spellings, make)
    "numpy": (import_numpy, "numpy", numpy_make),
    "numba": (lambda: importlib.import_module("numba"), "numba", numba_loop),
    "jax": (import_jax, "jax", jax_make),
    "tensorflow": (import_tensorflow, "tensorflow", tensorflow_make),
    "tf-xla": (import_tensorflow, "tensorflow", xla_make),
    "polars": (lambda: importlib.import_module("polars"), "polars", polars_make),
    "pyarrow": (import_pyarrow, "pyarrow", pyarrow_make),
}


def load(name):
    """A module, or None and why."""
    try:
        module = PEERS[name][0]()
        return module, module.__version__
    except Exception as error:
        return None, (str(error) or type(error).__name__).splitlines()[0].replace("|", "/")


def time_calls(functions):
    start = time.perf_counter_ns()
    for function in functions:
        function()
    return (time.perf_counter_ns() - start) / len(functions)


def calls_for(function):
    calls = 1
    while time_calls([function] * calls) * calls < 1e5:
        calls *= 2
    return calls


def reorder(inputs):
    """In an order that no branch predictor has seen; as much is selected, so v stays."""
    order = np.random.permutation(max(map(len, inputs.values())))
    return {letter: array if letter == "v" else array[order] for letter, array in inputs.items()}


def sample(bind, run, calls, inputs=None):
    """Nanoseconds a call: of calls of `run` or, if there are `inputs`, of one with each of some orders of them."""
    functions = [run] * calls
    if inputs:
        functions = [bind(reorder(inputs)) for _ in range(max(1, UNSEEN // max(map(len, inputs.values()))))]
        time_calls([run] * WARM_CALLS)
    return time_calls(functions)


def prepare(name, module, text, inputs, expected, unseen):
    """What to sample of the fastest spelling that gives what is expected; None if none does."""
    spellings = ROWS.get(text, {}).get(PEERS[name][1], []) if module else []
    best = None
    for spelling in [spellings] if isinstance(spellings, str) else spellings:
        try:
            bind = PEERS[name][2](module, spelling, inputs, expected)
            run = bind(inputs)
            if not are_same(run(), expected):
                raise ValueError("another result")
            calls = calls_for(run)
            took = min(sample(bind, run, calls, unseen and inputs) for _ in range(3))
        except Exception as error:
            if os.environ.get("PEERS_DEBUG"):
                print(f"{name}: {spelling}: {type(error).__name__} {str(error)[:300]}", file=sys.stderr)
            continue
        if best is None or took < best[0]:
            best = took, (bind, run, calls, unseen and inputs)
    return best and best[1]


TYPES = {"bool": "?", "i16": "i2", "i32": "i4", "i64": "i8", "u8": "u1", "f32": "f4", "f64": "f8"}


def read_cell(line):
    cell = json.loads(line)
    with open(cell["file"], "rb") as data:
        def array(kind, shape):
            return np.fromfile(data, TYPES[kind], int(np.prod(shape, dtype=np.int64))).reshape(shape)
        inputs = {name: array(kind, shape) for name, kind, shape in cell["inputs"]}
        expected = [array(kind, shape) for _, kind, shape in cell["outputs"]]
    return cell["text"], inputs, expected, cell["unseen"]


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a peer prints is no answer
    modules = {name: load(name) for name in PEERS}
    print("|".join(f"{name} {version}" for name, (_, version) in modules.items()), file=answers)
    peers = []
    for line in sys.stdin:
        if line.strip() == "round":
            print(" ".join("nan" if peer is None else f"{sample(*peer):.1f}" for peer in peers), file=answers)
            continue
        cell = read_cell(line)
        peers = [prepare(name, modules[name][0], *cell) for name in PEERS]
        print(int(any(peers)), file=answers)


main()
