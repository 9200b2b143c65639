"""Cases, and the files that they are written to. ../conformance.c describes the format.

A file says what a library makes of an expression. Whoever adds a case gives the expression as Winnow's text, the arrays, and
a function that has the live library compute the result; nothing is typed in. `Files.differs` does the same where the language
differs on purpose: it checks that the library really gives something else.
"""

import os
import warnings
from fractions import Fraction

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import ml_dtypes
import numpy as np
import tensorflow as tf

np.seterr(all="ignore")
warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))

DTYPE = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
}
NAME = {np.dtype(d): t for t, d in DTYPE.items()}
INTS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
FLOATS = ["f16", "bf16", "f32", "f64"]
TYPES = ["bool"] + INTS + FLOATS
FRACTION = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}  # significant bits
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
LONG = 250  # a longer result is written as a hash


def array(type, values, shape=None):
    """Values cast as NumPy casts them."""
    a = np.asarray(values).astype(DTYPE[type])
    return a if shape is None else a.reshape(shape)


def type_of(a):
    return NAME[a.dtype]


def bits_of(a):
    return np.ascontiguousarray(a).reshape(-1).view(BITS[a.dtype.itemsize])


# ---- Arrays that are written as a formula ----------------------------------------------------------------------------

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
formulas = {}


def key_of(a):
    return type_of(a), a.shape, bits_of(a).tobytes()


def splitmix(state):
    """Of each state, the next word: values_random in C."""
    z = state + GOLDEN
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def small_random(type, shape, seed):
    """Small numbers, of which sums are exact; halves among bools."""
    n = int(np.prod(shape, dtype=np.int64))
    z = splitmix(np.uint64(seed) + np.arange(n, dtype=np.uint64) * GOLDEN)
    v = (z % np.uint64(512)).astype(np.float64)
    if type == "bool":
        v = z >> np.uint64(32) & np.uint64(1)
    elif type in FLOATS:
        v = v / 16 - 16
    elif type[0] == "i":
        v = v.astype(np.int64) - 256
    else:
        v = v.astype(np.uint64)
    a = v.astype(DTYPE[type]).reshape(shape)
    if a.size:
        formulas[key_of(a)] = f"random {seed}"
    return a


def bit_rows(type, rows, columns):
    """Row i has the bits of i, least significant first."""
    a = (np.arange(rows)[:, None] >> np.arange(columns) & 1).astype(DTYPE[type])
    formulas[key_of(a)] = "bits"
    return a


def hash_of(a):
    i = np.arange(a.size, dtype=np.uint64)
    return int(np.sum(splitmix(bits_of(a).astype(np.uint64) ^ splitmix(i)), dtype=np.uint64))


# ---- Results ---------------------------------------------------------------------------------------------------------


class Error:
    """A status by its name; "error" is any that blames the caller."""

    def __init__(self, status="error"):
        self.status = status


class Near:
    """Exact results (Fractions, or floats that are not finite) and how far from each a float may be."""

    def __init__(self, type, exact, bound):
        self.type, self.exact, self.bound = type, exact, bound


def live(function, *arrays):
    """What a library gives, as an array; an Error if it raises one."""
    try:
        result = function(*arrays)
    except (ValueError, IndexError, TypeError, OverflowError, tf.errors.OpError):
        return Error()
    return np.asarray(result.numpy() if tf.is_tensor(result) else result)


def same(a, b):
    """Of one type and shape, and of the same bits but for which NaN a NaN is."""
    if isinstance(a, Error) or isinstance(b, Error):
        return isinstance(a, Error) and isinstance(b, Error)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    nan = (a != a) & (b != b)
    return bool(np.all((bits_of(a) == bits_of(b)) | nan.reshape(-1)))


def exact_sum(x, axis, keepdims, where, initial, mean, product=False):
    """The reduction in exact arithmetic: (exact values, sums of magnitudes, counts), or None if a value is not finite."""
    type = type_of(x)
    chosen = np.broadcast_to(where, x.shape)
    axes = tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(axis) % x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    flat = np.transpose(x, rest + list(axes)).reshape([x.shape[i] for i in rest] + [-1])
    pick = np.transpose(chosen, rest + list(axes)).reshape(flat.shape)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else [x.shape[i] for i in rest]
    exact, bound = [], []
    rows = int(np.prod(flat.shape[:-1], dtype=np.int64))
    accumulator = 2.0 ** -FRACTION["f32" if type in ("f16", "bf16") else type if type in FLOATS else "f64"]
    out = 2.0 ** -FRACTION[type if type in FLOATS else "f64"]
    for row, mask in zip(flat.reshape(rows, flat.shape[-1]), pick.reshape(rows, flat.shape[-1])):
        values = [float(v) if type in FLOATS else int(v) for v, m in zip(row, mask) if m]
        start = 1 if product else 0
        total = Fraction(start if initial is None else initial)
        size, n = abs(total), len(values)
        if any(v != v or v in (float("inf"), float("-inf")) for v in values):
            exact.append(float(np.prod(values)) if product else float(np.sum(np.array(values, np.float64))))
            bound.append(0.0)
            continue
        for v in values:
            total = total * Fraction(v) if product else total + Fraction(v)
            size += abs(Fraction(v))
        if mean and n == 0:
            exact.append(float("nan"))
            bound.append(0.0)
            continue
        if mean:
            total, size = total / n, size / n
        slack = n * abs(total) if product else min(n, 40) * size
        near = slack * Fraction(accumulator) * Fraction(11, 10) + abs(total) * Fraction(out) * Fraction(11, 10)
        if not product and is_exact(size * (n if mean else 1), values, accumulator) and fits(total, out):
            near = Fraction(0)
        exact.append(total)
        bound.append(near)
    return np.array(exact, dtype=object).reshape(shape), np.array(bound, dtype=object).reshape(shape)


def is_exact(size, values, accumulator):
    """Whether sums in any order are exact: all are multiples of a unit of which the accumulator holds enough."""
    unit = Fraction(1)
    for v in values:
        unit = min(unit, Fraction(1, Fraction(v).denominator))
    return size / unit < 1 / Fraction(accumulator)


def fits(total, out):
    """Whether a fraction has no more bits than a float's."""
    if total.denominator & (total.denominator - 1):
        return False
    return abs(total.numerator).bit_length() <= int(round(1 / out)).bit_length() - 1


def word(type, bits):
    """An element in hexadecimal: as it is, negative, or without the zeros at its end, after a dot."""
    width = 8 * bits.dtype.itemsize
    bits = int(bits)
    words = [f"{bits:x}", "." + f"{bits:0{width // 4}x}".rstrip("0")]
    if type[0] == "i":
        words.append(f"-{2**width - bits:x}")
    return min(words, key=len)


# ---- Writing ---------------------------------------------------------------------------------------------------------


class File:
    def __init__(self, name, title):
        self.name, self.title = name, title
        self.lines, self.arrays, self.kernels, self.count = [], {}, {}, 0

    def tokens(self, a, any_nan):
        words = [word(type_of(a), b) for b in bits_of(a)]
        if any_nan and type_of(a) in FLOATS:
            for i in np.flatnonzero((a != a).reshape(-1)):
                words[i] = "nan"
        out, i = [], 0
        while i < len(words):
            j = i
            while j < len(words) and words[j] == words[i]:
                j += 1
            out += [f"{words[i]}*{j - i}"] if j - i > 2 else words[i:j]
            i = j
        return out

    def array(self, a, any_nan=False):
        """The number of an array, which is written when it is new."""
        data = formulas.get(key_of(a)) or self.tokens(a, any_nan)
        head = f"{type_of(a)} [{','.join(map(str, a.shape))}]"
        key = head, tuple(data)
        if key not in self.arrays:
            self.arrays[key] = len(self.arrays)
            line = f"array {self.arrays[key]} {head}"
            for token in [data] if isinstance(data, str) else data:
                if len(line) + len(token) > 118:
                    self.lines.append(line)
                    line = " "
                line += " " + token
            self.lines.append(line)
        return self.arrays[key]

    def want(self, result, exact):
        if isinstance(result, Error):
            return f"! {result.status}"
        if isinstance(result, Near):
            exact = np.array([float(v) for v in result.exact.reshape(-1)], np.float64).reshape(result.exact.shape)
            bound = np.array([float(v) * 1.0001 for v in result.bound.reshape(-1)], np.float32)
            return f"{result.type} ~ {self.array(exact, True)} {self.array(bound)}"
        nans = not exact and type_of(result) in FLOATS and bool(np.any(result != result))
        if result.size > LONG and not nans:
            rle = self.tokens(result, False)
            if len(rle) > LONG:
                shape = ",".join(map(str, result.shape))
                return f"{type_of(result)} [{shape}] # {hash_of(result):x}"
        return str(self.array(result, not exact))

    def case(self, test, text, inputs, result, exact=False, differs=None):
        """`exact`: NaNs are copied, so their bits count."""
        key = text, tuple((n, type_of(a), a.ndim) for n, a in inputs.items())
        numbers = [self.array(a) for a in inputs.values()]
        want = self.want(result, exact)
        row = f"({differs}) " if differs else ""
        line = f"case {row}{''.join(f'{n} ' for n in numbers)}-> {want}"
        tests = self.kernels.setdefault(key, {})
        if all(line not in cases for cases in tests.values()):
            tests.setdefault(test, []).append(line)
            self.count += 1

    def write(self):
        with open(os.path.join(HERE, self.name + ".txt"), "w") as out:
            out.write(f"# {self.title} Written by make.py: NumPy {np.__version__}, TensorFlow {tf.__version__}.\n")
            for line in self.lines:
                out.write(line + "\n")
            for (text, inputs), tests in self.kernels.items():
                out.write(f"kernel {text}\n")
                for name, type, rank in inputs:
                    out.write(f"input {name} {type} {rank}\n")
                for test, cases in tests.items():
                    out.write("\n".join([f"test {test}", *cases, ""]))
        print(f"{self.name}: {self.count} cases, {os.path.getsize(os.path.join(HERE, self.name + '.txt'))} bytes")


class Suite:
    """The cases of one library in one file."""

    def __init__(self, library, name, title):
        self.library, self.file = library, File(name, title)

    def same(self, test, text, inputs, function, check=None, exact=False):
        """The library's result is the language's. `check`: the other library gives the same."""
        result = live(function, *inputs.values())
        assert not isinstance(result, Error), (test, text)
        if check is not None:
            other = live(check, *inputs.values())
            assert same(result, other), (test, text, inputs, result, other)
        self.file.case(f"{self.library} {test}", text, inputs, result, exact)

    def fails(self, test, text, inputs, function, status="shape error"):
        """The library raises an error."""
        assert isinstance(live(function, *inputs.values()), Error), (test, text)
        self.file.case(f"{self.library} {test}", text, inputs, Error(status))

    def differs(self, row, test, text, inputs, function, result, exact=False):
        """The library gives something else, on purpose: a row of docs/differences.md says why."""
        given = live(function, *inputs.values()) if function else Error()
        if not isinstance(result, Near):
            assert not same(given, result), (row, test, text, given, result)
        self.file.case(f"{self.library} {test}", text, inputs, result, exact, row)

    def perhaps(self, row, test, text, inputs, function, result):
        """The library gives one or the other, by the version or by the machine."""
        if same(live(function, *inputs.values()), result):
            self.same(test, text, inputs, function)
        else:
            self.differs(row, test, text, inputs, function, result)

    def near(self, test, text, inputs, function, x, type=None, axis=None, keepdims=False, where=True, initial=None,
             mean=False, product=False):
        """A float sum, mean or product of x: near the exact value, as the library's is."""
        exact, bound = exact_sum(x, axis, keepdims, where, initial, mean, product)
        type = type or type_of(x)
        given = live(function, *inputs.values())
        assert given.shape == exact.shape, (test, text, given, exact)
        close = np.allclose(given.astype(np.float64), exact.astype(np.float64), rtol=2.0 ** (2 - FRACTION[type]) * 8,
                            atol=float(max([Fraction(0)] + [Fraction(b) for b in bound.reshape(-1)])) * 8, equal_nan=True)
        assert close, (test, text, given, exact)
        self.file.case(f"{self.library} {test}", text, inputs, Near(type, exact, bound))

    def write(self):
        self.file.write()
        return self.file.count
