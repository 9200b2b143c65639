#!/usr/bin/env python3
"""Random expressions, by the library through its C ABI and by live NumPy, until the time is up.

    tests/numpy_random.py build/release/libwinnow.so [SECONDS [SEED]]

An expression is a tree of Node. Lengths are labels, so that what meets fits; some cases have one input that doesn't, which both
sides must then refuse. A failing case is made smaller - subtrees for the whole, values for subtrees, shorter axes - and printed
as text and arrays. Exits with 77 where there is no NumPy. Where NumPy differs from the language on purpose (docs/differences.md),
the functions here have the language's rule.
"""

import ctypes
import math
import os
import random
import sys
import time

try:
    import numpy as np
except ImportError:
    np = None
if np is None or np.__version__ < "2":
    print("numpy_random: skipped, there is no NumPy 2")
    sys.exit(77)

np.seterr(all="ignore")
DTYPE = {"bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u16": np.uint16,
         "u32": np.uint32, "u64": np.uint64, "f16": np.float16, "f32": np.float32, "f64": np.float64}
CODE = {t: i for i, t in enumerate(["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64"])}
INTS = [t for t in DTYPE if t[0] in "iu"]
FLOATS = [t for t in DTYPE if t[0] == "f"]
NUMBERS = INTS + FLOATS
TYPES = list(DTYPE)


# ---- The library -----------------------------------------------------------------------------------------------------


class Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("type", ctypes.c_int), ("rank", ctypes.c_int32),
                ("shape", ctypes.c_int64 * 8), ("strides", ctypes.c_int64 * 8), ("bit", ctypes.c_int64)]

    @staticmethod
    def of(a):
        own = Array(a.ctypes.data, CODE[type_of(a)], a.ndim)
        own.shape[: a.ndim], own.strides[: a.ndim] = a.shape, a.strides
        return own

    def numpy(self):
        type = list(CODE)[self.type]
        shape, strides = self.shape[: self.rank], self.strides[: self.rank]
        if 0 in shape or not self.data:
            return np.zeros(shape, DTYPE[type])
        size = sum((n - 1) * s for n, s in zip(shape, strides)) + np.dtype(DTYPE[type]).itemsize
        bytes = np.frombuffer((ctypes.c_char * size).from_address(self.data), np.uint8)
        return np.lib.stride_tricks.as_strided(bytes.view(DTYPE[type]), shape, strides).copy()


class Status(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 508)]


class Refused(Exception):
    pass


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.wn_context_new_abi.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.c.wn_context_new_abi(1, None))

    def run(self, text, inputs):
        names = (ctypes.c_char_p * len(inputs))(*[n.encode() for n in inputs])
        arrays = (Array * len(inputs))(*[Array.of(a) for a in inputs.values()])
        result, error = Array(), Status()
        if self.c.wn_eval(self.context, text.encode(), names, arrays, ctypes.c_size_t(len(inputs)), ctypes.byref(result),
                          ctypes.c_size_t(1), ctypes.byref(error)):
            raise Refused(error.message.decode())
        value = result.numpy()
        self.c.wn_array_free(self.context, ctypes.byref(result))
        return value


# ---- What the language means, in NumPy -------------------------------------------------------------------------------


def type_of(a):
    return next(t for t, d in DTYPE.items() if a.dtype == d)


def cast(x, type):
    if type == "bool":
        return x != 0
    if x.dtype.kind == "f" and type in INTS:
        info = np.iinfo(DTYPE[type])
        inside = (x.astype(np.float64) > float(info.min) - 1) & (x.astype(np.float64) < float(info.max))
        cut = np.where(inside, np.trunc(x), 0).astype(DTYPE[type])
        return np.where(inside, cut, np.where(x > 0, info.max, np.where(x < 0, info.min, 0))).astype(DTYPE[type])
    return x.astype(DTYPE[type])


def minimum(a, b, sign=1):
    """NumPy's, but -0 is below +0; of maximum with sign -1."""
    r = np.asarray((np.minimum if sign > 0 else np.maximum)(a, b))
    if r.dtype.kind != "f":
        return r
    negative = np.signbit(a) | np.signbit(b) if sign > 0 else np.signbit(a) & np.signbit(b)
    return np.where((a == 0) & (b == 0), np.where(negative, r.dtype.type(-0.0), r.dtype.type(0.0)), r)


def maximum(a, b):
    return minimum(a, b, -1)


def multiply_no_nan(a, b):
    return np.where(b == 0, a.dtype.type(0), a * b)


def expand(v, m, a, first):
    a = a.copy()
    packed = a.shape[:first] + (int(np.count_nonzero(m)),) + a.shape[first + m.ndim :]
    a[(slice(None),) * first + (m,)] = np.broadcast_to(v, packed)
    return a


def compress(c, t, axis):
    if c[t.shape[axis] :].any():
        raise ValueError("true past the end")
    return np.compress(c[: t.shape[axis]], t, axis)


def assigned(function, a, m, v):
    if m.shape != a.shape:  # NumPy asks only for as many elements
        raise ValueError("the mask has another shape")
    a = a.copy()
    function(a, m, v)
    return a


def place(a, m, v):
    return assigned(np.place, a, m, v)


def putmask(a, m, v):
    return assigned(np.putmask, a, m, v)


def rows(x, m, axis):
    """x and m with the reduced axes laid flat at the end, and the shape of the result."""
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in axis)
    rest = [i for i in range(x.ndim) if i not in axes]
    m = np.broadcast_to(True if m is None else m, x.shape)
    shape = [x.shape[i] for i in rest]
    return [np.transpose(a, rest + list(axes)).reshape(shape + [math.prod(x.shape[i] for i in axes)]) for a in (x, m)] + [axes]


def extremum(x, m, initial, sign):
    values = np.concatenate([x[m], np.array([] if initial is None else [initial], x.dtype)])
    best = (np.min if sign > 0 else np.max)(values)
    if x.dtype.kind == "f" and best == 0:
        negative = np.signbit(values[values == 0])
        return -0.0 if (negative.any() if sign > 0 else negative.all()) else 0.0
    return best


def one_row(name, x, m, initial):
    if name == "count":
        return np.count_nonzero(x[m])
    if name in ("any", "all"):
        return getattr(np, name)(x[m] != 0)
    if name in ("min", "max"):
        if x.dtype.kind == "b":
            return bool(extremum(x.view(np.uint8), m, initial, 1 if name == "min" else -1))
        return extremum(x, m, initial, 1 if name == "min" else -1)
    if name in ("argmin", "argmax"):
        if not m.any():
            raise ValueError("nothing has no place")
        return np.flatnonzero(m)[getattr(np, name)(x[m])]
    if name == "mean":
        values = x[m].astype(np.float64)
        return math.fsum(values) / len(values) if len(values) and np.isfinite(values).all() else np.sum(values) / np.float64(len(values))
    if x.dtype.kind == "f":  # exact, to be compared with a tolerance
        values = [float(v) for v in x[m]] + ([] if initial is None else [float(x.dtype.type(initial))])
        return (math.fsum(values) if np.isfinite(values).all() else float(np.sum(values))) + 0.0
    wide = np.uint64 if x.dtype.kind == "u" else np.int64
    start = {} if initial is None else {"initial": wide(initial)}
    return getattr(np, name)(x[m].astype(wide), dtype=wide, **start)


def result_type(name, type):
    if name in ("count", "argmin", "argmax"):
        return "i64"
    if name in ("any", "all"):
        return "bool"
    if name in ("min", "max") or type in FLOATS:
        return type
    return "f64" if name == "mean" else "u64" if type[0] == "u" else "i64"


def reduce(name, x, m, axis, keepdims, initial):
    flat, mask, axes = rows(x, m, axis)
    type = "f64" if name in ("sum", "mean") and x.dtype.kind == "f" else result_type(name, type_of(x))
    out = np.zeros(flat.shape[:-1], DTYPE[type])
    for i in np.ndindex(*out.shape):
        out[i] = one_row(name, flat[i], mask[i], initial)
    if keepdims:
        out = out.reshape([1 if i in axes else n for i, n in enumerate(x.shape)])
    return out


# ---- Expressions -----------------------------------------------------------------------------------------------------

BINARY = [("<", np.less, NUMBERS, "bool"), ("<=", np.less_equal, NUMBERS, "bool"), (">", np.greater, NUMBERS, "bool"),
          (">=", np.greater_equal, NUMBERS, "bool"), ("==", np.equal, TYPES, "bool"), ("!=", np.not_equal, TYPES, "bool"),
          ("&", np.bitwise_and, ["bool"] + INTS, None), ("|", np.bitwise_or, ["bool"] + INTS, None),
          ("^", np.bitwise_xor, ["bool"] + INTS, None), ("<<", np.left_shift, INTS, None), (">>", np.right_shift, INTS, None),
          ("+", np.add, NUMBERS, None), ("-", np.subtract, NUMBERS, None), ("*", np.multiply, NUMBERS, None),
          ("/", np.divide, FLOATS, None), ("//", np.floor_divide, INTS, None), ("%", np.remainder, INTS, None),
          ("minimum", minimum, NUMBERS, None), ("maximum", maximum, NUMBERS, None), ("multiply_no_nan", multiply_no_nan, FLOATS, None)]
UNARY = [("~", np.invert, ["bool"] + INTS, None), ("!", np.logical_not, ["bool"], None), ("-", np.negative, NUMBERS, None),
         ("abs", np.abs, NUMBERS, None), ("is_nan", np.isnan, FLOATS, "bool"), ("is_inf", np.isinf, FLOATS, "bool"),
         ("is_finite", np.isfinite, FLOATS, "bool")]
UNARY += [(n, getattr(np, n), FLOATS, None) for n in ("sqrt", "floor", "ceil", "rint", "trunc")]
REDUCTIONS = ["count", "any", "all", "sum", "prod", "mean", "min", "max", "argmin", "argmax"]


class Node:
    """text: with {0} and so on for the arguments; function: of their values."""

    def __init__(self, text, function, type, dims, args=(), name=None):
        self.pattern, self.function, self.type, self.dims, self.args, self.name = text, function, type, dims, list(args), name

    def text(self):
        return self.pattern.format(*(a.text() for a in self.args))

    def value(self, inputs):
        if self.name:
            return inputs[self.name]
        return np.asarray(self.function(*(a.value(inputs) for a in self.args)))

    def names(self):
        return {self.name} if self.name else set().union(*(a.names() for a in self.args)) if self.args else set()

    def nodes(self):
        yield self
        for a in self.args:
            yield from a.nodes()


def merge(a, b):
    """The dims of two that broadcast, or None."""
    out, n = [], max(len(a), len(b))
    for x, y in zip((1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b):
        if x != y and 1 not in (x, y):
            return None
        out.append(y if x == 1 else x)
    return tuple(out)


class Maker:
    """Makes expressions and the arrays that they take."""

    def __init__(self, random):
        self.random, self.inputs = random, {}
        self.lengths = {"A": random.choice([0, 1, 3, 33, 64, 65, 127, 1000, 3000]), "B": random.choice([0, 1, 2, 8, 17, 33]),
                        "C": random.choice([1, 2, 3, 5, 8])}

    def chance(self, part):
        return self.random.random() < part

    def values(self, type, shape):
        n = math.prod(shape)
        r = np.random.RandomState(self.random.randrange(2**31))
        if type == "bool":
            return (r.uniform(size=shape) < self.random.choice([0.05, 0.5, 0.95])).astype(bool)
        if type in FLOATS:
            v = r.randint(-64, 64, n) / 8
            if self.chance(0.5):
                v = np.where(r.uniform(size=n) < 0.2, r.choice([0.0, -0.0, np.nan, np.inf, -np.inf, 1e30, -1e-30, 65504, 5e-8], n), v)
            return v.astype(DTYPE[type]).reshape(shape)
        info = np.iinfo(DTYPE[type])
        v = np.array([self.random.choice([info.min, info.max, 0, 1]) if self.chance(0.1) else
                      self.random.randint(max(info.min, -20), 40) for _ in range(n)], object)
        return v.astype(DTYPE[type]).reshape(shape)

    def strided(self, a):
        """The same elements, somewhere else: backwards, apart, or transposed in memory."""
        kind = self.random.randrange(6)
        if a.ndim == 0 or kind > 2:
            return a
        if kind == 0:
            return a[::-1].copy()[::-1]
        if kind == 1:
            return np.repeat(a, 2, axis=-1)[..., ::2]
        return np.asfortranarray(a)

    def leaf(self, type, dims):
        same = [n for n, (t, d, _) in self.inputs.items() if (t, d) == (type, dims)]
        if same and self.chance(0.4):
            name = self.random.choice(same)
        else:
            name = f"x{len(self.inputs)}"
            shape = tuple(1 if d == 1 else self.lengths[d] for d in dims)
            self.inputs[name] = (type, dims, self.strided(np.asarray(self.values(type, shape))))
        return Node(name, None, type, dims, name=name)

    def literal(self, type):
        if type == "bool":
            v = self.chance(0.5)
            text = "true" if v else "false"
        elif type in INTS:
            v = self.random.randint(0 if type[0] == "u" else -9, 40)
            text = f"({v})"
        else:
            v = self.random.choice([0.0, 1.5, -2.25, 1000.0, math.nan, math.inf, -math.inf])
            text = f"({v})"
        return Node(text, lambda: np.array(v, DTYPE[type]), type, ())

    def narrowed(self, dims):
        """Dims that broadcast to these."""
        dims = tuple(1 if self.chance(0.15) else d for d in dims)
        cut = 0
        while cut < len(dims) and self.chance(0.1):
            cut += 1
        return dims[cut:]

    def tree(self, type, dims, depth):
        """An expression of a type whose dims are these or broadcast to them."""
        if depth <= 0:
            return self.leaf(type, self.narrowed(dims))
        kind = self.random.randrange(12)
        if kind < 6:
            return self.binary(type, dims, depth)
        if kind < 8:
            return self.unary(type, dims, depth)
        if kind == 8:
            c, x, y = self.tree("bool", dims, depth - 1), self.tree(type, dims, depth - 1), self.tree(type, dims, depth - 1)
            return self.join("where({0}, {1}, {2})", np.where, type, [c, x, y])
        if kind == 9:
            x = self.tree(self.random.choice(TYPES), dims, depth - 1)
            return Node(f"{type}({{0}})", lambda x: cast(x, type), type, x.dims, [x])
        if kind == 10:
            return self.written(type, dims, depth)
        return self.leaf(type, self.narrowed(dims))

    def join(self, text, function, type, args):
        dims = ()
        for a in args:
            dims = merge(dims, a.dims)
        return Node(text, function, type, dims, args)

    def binary(self, type, dims, depth):
        op, function, takes, _ = self.random.choice([b for b in BINARY if (b[3] or type) == type and (b[3] or type in b[2])])
        of = self.random.choice(takes) if type == "bool" and op in ("<", "<=", ">", ">=", "==", "!=") else type
        x = self.tree(of, dims, depth - 1)
        y = self.literal(of) if self.chance(0.25) else self.tree(of, dims, depth - 1)
        if op in ("<<", ">>") and not y.args and not y.name and "-" in y.pattern:
            y = self.tree(of, dims, 0)
        return self.join(f"{op}({{0}}, {{1}})" if op[0].isalpha() else f"({{0}} {op} {{1}})", function, type, [x, y])

    def unary(self, type, dims, depth):
        fit = [u for u in UNARY if (u[3] or type) == type and (u[3] or type in u[2])]
        op, function, takes, result = self.random.choice(fit)
        x = self.tree(self.random.choice(takes) if result else type, dims, depth - 1)
        return Node(f"{op}({{0}})", function, type, x.dims, [x])

    def exact(self, type, dims, depth):
        """An expression of exactly these dims."""
        for _ in range(4):
            x = self.tree(type, dims, depth)
            if x.dims == dims:
                return x
        return self.leaf(type, dims)

    def written(self, type, dims, depth):
        """a[m] = v in its forms; compress has no place here, since its length is new."""
        if not dims:
            return self.leaf(type, dims)
        a = self.exact(type, dims, depth - 1)
        first = self.random.randrange(len(dims))
        n = self.random.randint(1, len(dims) - first)
        kind = self.random.randrange(3)
        if kind == 0:
            m = self.exact("bool", dims[first : first + n], depth - 1)
            if any(d == 1 for d in dims) or self.chance(0.5):
                rest = dims[first + n :]  # what is the same for all true places
                v = self.leaf(type, self.random.choice([(), self.narrowed(rest), dims[:first] + (1,) + rest]))
            else:
                v = self.mask(self.leaf(type, dims), m, first)
            return Node(f"expand({{0}}, {{1}}, {{2}}, axis={first})", lambda v, m, a: expand(v, m, a, first), type, dims, [v, m, a])
        m = self.exact("bool", dims, depth - 1)
        v = self.leaf(type, (self.random.choice("ABC"),))
        return Node(("place" if kind == 1 else "putmask") + "({0}, {1}, {2})", place if kind == 1 else putmask, type, dims, [a, m, v])

    def mask(self, t, m, first):
        dims = t.dims[:first] + (m.text(),) + t.dims[first + len(m.dims) :]
        return Node(f"boolean_mask({{0}}, {{1}}, axis={first})", lambda t, m: t[(slice(None),) * first + (m,)], t.type, dims, [t, m])

    def dims(self):
        return tuple(map(self.random.choice, self.random.choice([["ABC"], ["A"], ["AB", "BC"], ["BC", "AC"], ["BC", "BC", "BC"]])))

    def root(self):
        dims, depth, type = self.dims(), self.random.randint(1, 4), self.random.choice(TYPES)
        kind = self.random.randrange(10)
        if kind < 3:
            return self.tree(type, dims, depth)
        if kind == 3:
            c = self.exact(self.random.choice(TYPES), dims, depth - 1)
            return Node("where({0})", lambda c: np.argwhere(c).astype(np.int64).reshape(-1, c.ndim), "i64", None, [c])
        x = self.exact(type, dims, depth - 1)
        first = self.random.randrange(len(dims))
        if kind == 4:
            c = self.leaf("bool", (dims[first],) if self.chance(0.7) else (self.random.choice("ABC"),))
            return Node(f"compress({{0}}, {{1}}, axis={first})", lambda c, x: compress(c, x, first), type, None, [c, x])
        if kind < 7:
            m = self.exact("bool", dims[first : first + self.random.randint(1, len(dims) - first)], depth - 1)
            x = self.mask(x, m, first)
            if self.chance(0.5):
                y = self.mask(self.exact(type, dims, 1), m, first)
                x = Node("where(({0} == {1}), {0}, {1})", lambda a, b: np.where(a == b, a, b), type, x.dims, [x, y])
            if kind == 5:
                return x
        return self.reduction(x)

    def reduction(self, x):
        name = self.random.choice(REDUCTIONS)
        rank, args, text = len(x.dims), [x], f"{name}({{0}}"
        axis = None if self.chance(0.5) else tuple(self.random.sample(range(rank), self.random.randint(1, rank)))
        if name in ("argmin", "argmax") and axis:
            axis = axis[:1]
        if self.chance(0.4) and all(d == 1 or d in "ABC" for d in x.dims):
            args.append(self.tree("bool", x.dims, 1))
            text += ", where={1}"
        if axis:
            text += f", axis={axis[0] if len(axis) == 1 else axis}"
        keepdims, initial = self.chance(0.3), None
        text += ", keepdims=true" if keepdims else ""
        if name == "prod" and x.type in FLOATS:
            name, text = "sum", text.replace("prod", "sum", 1)
        if name in ("min", "max", "sum") and self.chance(0.3) and x.type != "bool":
            initial = self.random.randint(0, 9)
            text += f", initial={initial}"
        function = lambda x, m=None: reduce(name, x, m, axis, keepdims, initial)
        return Node(text + ")", function, result_type(name, x.type), None, args)


# ---- Comparing -------------------------------------------------------------------------------------------------------


def bits(a):
    return np.ascontiguousarray(a).reshape(-1).view(f"u{a.dtype.itemsize}")


def difference(got, want, near):
    """What differs, or None. `near`: want is an exact float sum or mean of values with this sum of magnitudes."""
    if got.shape != want.shape or (near is None and got.dtype != want.dtype):
        return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
    if near is not None:
        rounded = want.astype(got.dtype)
        slack = near * 2.0 ** {"f16": -20, "f32": -20, "f64": -48}[type_of(got)] + np.abs(want) * 2.0 ** {"f16": -10, "f32": -23, "f64": -52}[type_of(got)]
        with np.errstate(all="ignore"):
            right = (np.abs(got.astype(np.float64) - want) <= slack + 1e-7) | (got == rounded) | ((got != got) & (want != want))
            right |= ~np.isfinite(near)  # infinities, and sums that overflow on the way
    else:
        right = (bits(got) == bits(want)).reshape(got.shape) | ((got != got) & (want != want))
    if np.all(right):
        return None
    i = int(np.flatnonzero(~right.reshape(-1))[0])
    return f"element {i} is {got.reshape(-1)[i]!r}, expected {want.reshape(-1)[i]!r}"


def magnitude(node, inputs):
    """For a float sum or mean at the root: the sum of the magnitudes that it adds."""
    name = node.pattern.split("(")[0]
    x = node.args[0].value(inputs) if node.args else None
    if name != "mean" and (name != "sum" or x.dtype.kind != "f"):
        return None
    values = np.abs(x.astype(np.float64))
    return float(np.sum(values)) + 10


def check(library, node, inputs):
    used = {n: inputs[n] for n in sorted(node.names())}
    try:
        want = node.value(used)
    except (ValueError, IndexError, TypeError) as e:
        want = e
    try:
        got = library.run(node.text(), used)
    except Refused as e:
        return None if isinstance(want, Exception) else f"refused: {e}"
    if isinstance(want, Exception):
        return f"gives {got.dtype}{list(got.shape)}, NumPy refuses: {want}"
    return difference(got, want, magnitude(node, used))


def apart(function):
    """What a function says in a process of its own, so that a crash there is a result like others."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, (function() or "").encode()[:4000])
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as f:
        said = f.read()
    _, status = os.waitpid(child, 0)
    return said if status == 0 else f"crashed: {status}"


# ---- Making a failure smaller ----------------------------------------------------------------------------------------


def smaller(node, inputs):
    """Variants of a case that are smaller, the smallest first."""
    for sub in list(node.nodes())[1:]:
        if sub.args:
            yield sub, inputs
    for sub in node.nodes():
        for i, a in enumerate(sub.args):
            if a.name or not a.args:
                continue
            name = f"v{len(inputs)}"
            own = sub.args[i]
            try:
                value = own.value(inputs)
            except Exception:
                continue
            sub.args[i] = Node(name, None, type_of(value), None, name=name)
            yield node, {**inputs, name: value}
            sub.args[i] = own
    lengths = sorted({n for name in node.names() for n in inputs[name].shape if n > 1}, reverse=True)
    for n in lengths:
        for to in (n // 2, n - 1):
            for start in {0, n - to}:
                cut = {k: a[tuple(slice(start, start + to) if m == n else slice(None) for m in a.shape)] for k, a in inputs.items()}
                yield node, cut


def shrink(library, node, inputs):
    wrong, progress, limit = apart(lambda: check(library, node, inputs)), True, time.time() + 30
    while progress and time.time() < limit:
        progress = False
        for variant, arrays in smaller(node, inputs):
            now = apart(lambda: check(library, variant, arrays))
            if now and now[:7] == wrong[:7]:
                node, inputs, wrong, progress = variant, arrays, now, True
                break
    return node, inputs, wrong


def make(seed):
    """Case `seed`: an expression and its arrays."""
    maker = Maker(random.Random(seed))
    node = maker.root()
    inputs = {n: a for n, (_, _, a) in maker.inputs.items()}
    if maker.chance(0.05) and inputs:
        name = maker.random.choice(list(inputs))
        if inputs[name].ndim:
            inputs[name] = np.concatenate([inputs[name], inputs[name][:1]])
    return node, inputs


def agree(library, first, end):
    """How many cases from `first` on agree until `end`; the next one doesn't, or crashes."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            count = 0
            while time.time() < end and not check(library, *make(first + count)):
                count += 1
                os.write(write, b".")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as f:
        count = len(f.read())
    os.waitpid(child, 0)
    return count


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    library = Library(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**9)
    print(f"numpy_random: seed {seed}, {seconds:g} s, NumPy {np.__version__}", flush=True)
    end = time.time() + seconds
    count = agree(library, seed, end)
    print(f"numpy_random: {count} expressions agree")
    if time.time() >= end:
        return 0
    node, inputs = make(seed + count)
    print(f"seed {seed + count} does not: {node.text()}", flush=True)
    node, inputs, wrong = shrink(library, node, inputs)
    print(f"smaller: {node.text()}\n  {wrong}")
    for name in sorted(node.names()):
        print(f"  {name}: {type_of(inputs[name])}{list(inputs[name].shape)} = {inputs[name].tolist()}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
