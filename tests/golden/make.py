#!/usr/bin/env python3
"""Write ops.txt, casts.txt and arrays.txt: what NumPy, TensorFlow and exact arithmetic say.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy ml_dtypes tensorflow-cpu
    /tmp/golden/bin/python tests/golden/make.py

The files are committed, so tests need none of this. Their format, in lines:

    # a comment
    list NAME TYPE              a list of elements, in the lines that follow
      3f800000 7fc00000         elements: the bits in hexadecimal, separated by spaces
    op NAME RESULT LIST...      an operation; RESULT is the type of the result
      00 01 nan                 its results over the cross product of the lists, row-major; `nan` is any NaN
    graph NAME [axis=N]         an operation on arrays
      in TYPE [2,3]             its operands, then one `out TYPE [shape]`, or `error STATUS`
      00 01 ...

Where NumPy or TensorFlow differ from the language on purpose, or say nothing, the expectation comes
from the rule itself, written here in exact arithmetic and marked "Override".
"""

import os
import random
import sys
from fractions import Fraction

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import ml_dtypes
import numpy as np
import tensorflow as tf

np.seterr(all="ignore")
HERE = os.path.dirname(os.path.abspath(__file__))

INTS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
FLOATS = ["f16", "bf16", "f32", "f64"]
TYPES = ["bool"] + INTS + FLOATS
DTYPE = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
}
FORMAT = {"f16": (10, 5), "bf16": (7, 8), "f32": (23, 8), "f64": (52, 11)}  # fraction, exponent bits
SIZE = {t: np.dtype(DTYPE[t]).itemsize for t in TYPES}
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def of_bits(type, bits):
    return np.array(bits, dtype=BITS[SIZE[type]]).view(DTYPE[type])


def bits_of(array):
    array = np.asarray(array)
    return np.ascontiguousarray(array).view(BITS[array.dtype.itemsize])


# ---- Exact arithmetic ----------------------------------------------------------------------------


def round_exact(type, value):
    """The bits of the float nearest a Fraction, ties to even: the language's "rounds once"."""
    fraction, exponent_bits = FORMAT[type]
    bias = 2 ** (exponent_bits - 1) - 1
    sign = (1 << (fraction + exponent_bits)) if value < 0 else 0
    value = abs(value)
    exponent = 1 - bias
    while value >= Fraction(2) ** (exponent + 1):
        exponent += 1
    unit = Fraction(2) ** (exponent - fraction)
    units = round(value / unit)  # Python rounds a Fraction to the nearest even integer
    if units == 2 ** (fraction + 1):
        exponent, units = exponent + 1, units // 2
    if exponent > bias:
        return sign | (2**exponent_bits - 1) << fraction
    return sign | units + ((exponent - 1 + bias) << fraction)


def exact(type, bits):
    """An element as a Fraction, or 'nan', 'inf', '-inf', '-0'."""
    if type not in FLOATS:
        return Fraction(int(bits != 0) if type == "bool" else int(of_bits(type, [bits])[0]))
    value = float(of_bits(type, [bits]).astype(np.float64)[0])
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if value == 0 and bits:
        return "-0"
    return Fraction(value)


def cast_exact(source, target, bits):
    """What LANGUAGE says a cast gives: bits, or 'nan'."""
    if source == target and target != "bool":
        return bits
    value = exact(source, bits)
    if target == "bool":
        return int(value not in (0, "-0"))
    if target in FLOATS:
        if value == "nan":
            return "nan"
        fraction, exponent_bits = FORMAT[target]
        sign = 1 << (fraction + exponent_bits)
        infinity = (2**exponent_bits - 1) << fraction
        specials = {"inf": infinity, "-inf": sign | infinity, "-0": sign}
        return specials[value] if value in specials else round_exact(target, value)
    info = np.iinfo(DTYPE[target])
    low, high, mask = int(info.min), int(info.max), 2 ** (8 * SIZE[target]) - 1
    if source not in FLOATS:
        return int(value) & mask
    # Override: NumPy leaves a float that does not fit undefined; the language cuts and holds.
    if value in ("nan", "-0"):
        return 0
    if value in ("inf", "-inf"):
        return (high if value == "inf" else low) & mask
    return max(low, min(high, int(value))) & mask  # int() of a Fraction cuts towards 0


# ---- Lists of values -----------------------------------------------------------------------------


def float_values(type):
    fraction, exponent_bits = FORMAT[type]
    sign = 1 << (fraction + exponent_bits)
    infinity = (2**exponent_bits - 1) << fraction
    quiet = 1 << (fraction - 1)
    values = [0, sign, 1, sign | 1, (1 << fraction) - 1, 1 << fraction]  # zeros, subnormals, least normal
    values += [infinity - 1, infinity, sign | infinity]
    values += [infinity | quiet, sign | infinity | quiet | 5, infinity | 3]  # quiet, payload, signalling
    one = (2 ** (exponent_bits - 1) - 1) << fraction
    values += [one, one + 1, one - 1]
    values += [round_exact(type, Fraction(v)) for v in ("0.1", "-2.5", "-0.5")]
    values.append(round_exact(type, Fraction(2 ** (fraction + 1) - 1)) | sign)
    return values


def integer_values(type):
    info = np.iinfo(DTYPE[type])
    low, high, width = int(info.min), int(info.max), 8 * SIZE[type]
    values = [0, 1, 3, width - 1, width, width + 1, high, high // 2 + 1]
    values += [low, low + 1, -1, -3] if low < 0 else [7, high // 3, high - 1, high - 6]
    return [v & (2**width - 1) for v in dict.fromkeys(values)]


def op_values(type):
    if type == "bool":
        return [0, 1, 2, 255]  # any byte but 0 is true
    return integer_values(type) if type in INTS else float_values(type)


def cast_integers():
    """Integers at which some cast turns: ends of types, halfway points, and those just beside."""
    values = {0, 1, 2, 3}
    for bits in (7, 8, 15, 16, 31, 32, 63, 64):
        values |= {2**bits - 1, 2**bits, 2**bits + 1}
    for fraction in (10, 7, 23, 52):
        for scale in (0, 1, 5, 9, 30):
            tie = (2 ** (fraction + 1) + 1) << scale
            values |= {tie, tie - 1, tie + 1, tie + (2 << scale)}
    # Rounding first to f32, or to f64, would make these ties.
    values |= {2**40 + 2**32 + 1, 2**40 + 3 * 2**32 - 1, 2**60 + 2**36 + 1, 2**60 + 3 * 2**36 - 1}
    values |= {65504, 65519, 65520, 65521, 65535}
    return sorted(values | {-v for v in values})


def cast_values(type):
    if type == "bool":
        return op_values("bool")
    if type in INTS:
        info = np.iinfo(DTYPE[type])
        kept = [v for v in cast_integers() if info.min <= v <= info.max]
        return [v & (2 ** (8 * SIZE[type]) - 1) for v in kept]
    values = float_values(type)
    exacts = []
    for t in INTS:
        info = np.iinfo(DTYPE[t])
        for end in (int(info.min), int(info.max)):
            exacts += [Fraction(end) + d for d in (-1, Fraction(-1, 2), 0, Fraction(1, 2), 1)]
    exacts += [Fraction(v, 10) for v in (-9, -5, 5, 9, 15, -15, 25)]
    for fraction, exponent_bits in FORMAT.values():
        unit, bias = Fraction(1, 2**fraction), 2 ** (exponent_bits - 1) - 1
        least = Fraction(2) ** (1 - bias - fraction)
        greatest = (2 - unit) * Fraction(2) ** bias
        tiny = Fraction(1, 2**14)
        for at in (1 + unit / 2, 1 + 3 * unit / 2, greatest + unit / 2 * Fraction(2) ** bias):
            exacts += [at, at * (1 + Fraction(1, 2**40)), at * (1 - Fraction(1, 2**40))]
        for at in (least / 2, 3 * least / 2, least):
            exacts += [at, at * (1 + tiny), at * (1 - tiny), -at]
    values += [round_exact(type, v) for v in exacts]
    return list(dict.fromkeys(values))


# ---- Operations: NumPy ---------------------------------------------------------------------------

COMPARE = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor", "logical_not"]
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]
NUMBER = ["add", "subtract", "multiply", "minimum", "maximum", "negative", "abs"]
INTEGER = ["floor_divide", "floor_mod"]
FLOAT = ["multiply_no_nan", "divide", "sqrt", "floor", "ceil", "rint", "trunc", "is_nan", "is_inf", "is_finite"]
UNARY = ["logical_not", "invert", "negative", "abs"] + FLOAT[2:]
NUMPY = {"floor_mod": "mod", "is_nan": "isnan", "is_inf": "isinf", "is_finite": "isfinite"}
TENSORFLOW = {
    "add": tf.add, "subtract": tf.subtract, "multiply": tf.multiply, "divide": tf.divide,
    "multiply_no_nan": tf.math.multiply_no_nan, "floor_divide": tf.math.floordiv, "floor_mod": tf.math.floormod,
    "bitwise_and": tf.bitwise.bitwise_and, "bitwise_or": tf.bitwise.bitwise_or,
    "bitwise_xor": tf.bitwise.bitwise_xor, "invert": tf.bitwise.invert,
    "left_shift": tf.bitwise.left_shift, "right_shift": tf.bitwise.right_shift,
    "floor": tf.floor, "ceil": tf.math.ceil, "rint": tf.math.rint, "sqrt": tf.sqrt,
    "less": tf.less, "less_equal": tf.less_equal, "greater": tf.greater, "equal": tf.equal,
    "logical_and": tf.logical_and, "logical_or": tf.logical_or, "logical_not": tf.logical_not,
}


def types_of(op):
    if op in ("equal", "not_equal"):
        return TYPES
    if op in LOGIC:
        return ["bool"]
    if op in BITWISE + INTEGER:
        return INTS
    return FLOATS if op in FLOAT else INTS + FLOATS


def operand(type, bits):
    return np.array(bits) != 0 if type == "bool" else of_bits(type, bits)


def sign_bit(x):
    return (bits_of(x) >> (8 * x.dtype.itemsize - 1)).astype(bool)


def minimum_exact(x, y, least):
    """Override: NumPy may give either zero, the language orders them: -0 is below +0."""
    result = np.minimum(x, y) if least else np.maximum(x, y)
    zeros = (x == 0) & (y == 0)
    return np.where(zeros, np.where(sign_bit(x) == least, bits_of(x), bits_of(y)), bits_of(result)).view(x.dtype)


def evaluate(op, type, args):
    """The result of an operation by NumPy, and by the language's rule where NumPy has none."""
    x = args[0]
    if op in ("negative", "abs") and type in FLOATS:
        # Override: only the sign bit changes, in a NaN too; what NumPy says of NaN is not specified.
        sign = BITS[SIZE[type]](1 << (8 * SIZE[type] - 1))
        result = (bits_of(x) ^ sign if op == "negative" else bits_of(x) & ~sign).view(x.dtype)
        by_numpy = getattr(np, op)(x)
        assert np.all((result == by_numpy) | (x != x))
        return result
    if op in ("minimum", "maximum") and type in FLOATS:
        return minimum_exact(x, args[1], op == "minimum")
    if op == "multiply_no_nan":
        # TensorFlow's meaning, but by NumPy: TensorFlow flushes subnormals, the language keeps them.
        return np.where(args[1] == 0, DTYPE[type](0), x * args[1]).astype(DTYPE[type])
    return getattr(np, NUMPY.get(op, op))(*args)


def tiny(x):
    """Subnormal, or the least normal number, which a product may reach by rounding a subnormal."""
    if x.dtype == np.bool_ or np.issubdtype(x.dtype, np.integer):
        return np.zeros(x.shape, bool)
    fraction = FORMAT[[t for t in FLOATS if DTYPE[t] == x.dtype][0]][0]
    sign = BITS[x.dtype.itemsize](1 << (8 * x.dtype.itemsize - 1))
    return (bits_of(x) & ~sign <= 1 << fraction) & (x != 0)


def check_tensorflow(op, type, args, result):
    """TensorFlow, which flushes subnormals, must agree wherever there are none and it defines a result."""
    if op not in TENSORFLOW:
        return
    skip = np.zeros(result.shape, bool)
    for a in list(args) + [result]:
        skip |= tiny(np.broadcast_to(a, result.shape))
    if op in INTEGER:  # raises on 0, and MIN // -1 is undefined
        skip |= args[1] == 0
        if type[0] == "i":
            skip |= args[1] == -1
    if op in ("left_shift", "right_shift"):  # "implementation defined" from the width on
        skip |= bits_of(args[1]) >= 8 * SIZE[type]
    kept = [np.broadcast_to(a, result.shape)[~skip] for a in args]
    try:
        by_tf = TENSORFLOW[op](*[tf.constant(a) for a in kept]).numpy()
    except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError, TypeError, tf.errors.UnimplementedError):
        NOT_IN_TENSORFLOW.append(f"{op} {type}")
        return
    mine = result[~skip]
    same = bits_of(by_tf) == bits_of(mine)
    if type in FLOATS and result.dtype != np.bool_:
        same |= (by_tf != by_tf) & (mine != mine)
    if not np.all(same):
        at = np.flatnonzero(~same)[0]
        sys.exit(f"TensorFlow disagrees: {op} {type} of {[k[at] for k in kept]}: {by_tf[at]}, not {mine[at]}")


NOT_IN_TENSORFLOW = []

# ---- Writing -------------------------------------------------------------------------------------


def element(type, bits):
    return bits if bits == "nan" else f"{int(bits):0{2 * SIZE[type]}x}"


def write_elements(out, type, elements, per_line=16):
    elements = [element(type, e) for e in elements]
    for i in range(0, len(elements), per_line):
        out.write("  " + " ".join(elements[i : i + per_line]) + "\n")


def result_elements(type, result, exact_nan=False):
    """Bits, with `nan` for a NaN that arithmetic made."""
    flat = np.asarray(result).reshape(-1)
    bits = bits_of(flat)
    if type in FLOATS and not exact_nan:
        return ["nan" if v != v else b for v, b in zip(flat, bits)]
    return list(bits)


def write_op(out, op, type):
    values = op_values(type)
    x = operand(type, values)
    count = 1 if op in UNARY else 2
    args = [x] if count == 1 else [x[:, None], x[None, :]]
    result = evaluate(op, type, args)
    check_tensorflow(op, type, args, np.asarray(result))
    to = "bool" if result.dtype == np.bool_ else type
    assert result.dtype == DTYPE[to], (op, type, result.dtype)
    out.write(f"op {op} {to}" + f" {type}" * count + "\n")
    write_elements(out, to, result_elements(to, result, op in ("negative", "abs")), len(values))


def write_where(out, type):
    values, others = op_values(type), op_values(type)[:3] + op_values(type)[-1:]
    condition = np.array(op_values("bool"))[:, None, None] != 0
    x = np.array(values, dtype=BITS[SIZE[type]])[None, :, None]  # bits, so that NumPy only moves them
    y = np.array(others, dtype=BITS[SIZE[type]])[None, None, :]
    if type == "bool":
        x, y = x != 0, y != 0
    out.write(f"list {type}_few {type}\n")
    write_elements(out, type, others)
    out.write(f"op where {type} bool {type} {type}_few\n")
    write_elements(out, type, np.where(condition, x, y).reshape(-1), 4 * len(others))


def write_ops(path):
    with open(path, "w") as out:
        out.write("# Every elementwise operation on every type, over special values. Written by make.py.\n")
        for type in TYPES:
            out.write(f"list {type} {type}\n")
            write_elements(out, type, op_values(type))
        for op in COMPARE + LOGIC + BITWISE + NUMBER + INTEGER + FLOAT:
            for type in types_of(op):
                write_op(out, op, type)
        for type in TYPES:
            write_where(out, type)


def numpy_cast(source, target, bits):
    """NumPy's cast, where it rounds once and is defined: used to check the exact rule."""
    if target in ("f16", "bf16") and source not in FLOATS or target == "bf16" and source == "f64":
        return None  # NumPy and ml_dtypes go through f32, and so round twice
    if source in FLOATS and target in INTS:
        value = exact(source, bits)
        info = np.iinfo(DTYPE[target])
        if isinstance(value, str) or not info.min <= int(value) <= info.max:
            return None
        if target[0] == "u" and value < 0:
            return None
    return operand(source, [bits]).astype(DTYPE[target])


def write_casts(path):
    with open(path, "w") as out:
        out.write("# Every pair of types, at the values where some cast turns. Written by make.py.\n")
        for source in TYPES:
            out.write(f"list {source} {source}\n")
            write_elements(out, source, cast_values(source))
        for source in TYPES:
            for target in TYPES:
                results = []
                for bits in cast_values(source):
                    expected = cast_exact(source, target, bits)
                    by_numpy = numpy_cast(source, target, bits)
                    if by_numpy is not None and expected != "nan" and exact(source, bits) != "nan":
                        assert bits_of(by_numpy)[0] == expected, (source, target, hex(bits), by_numpy, expected)
                    results.append(expected)
                out.write(f"op cast {target} {source}\n")
                write_elements(out, target, results)


# ---- Arrays --------------------------------------------------------------------------------------


def write_array(out, word, array, exact_nan=True):
    type = [t for t in TYPES if DTYPE[t] == array.dtype][0]
    out.write(f" {word} {type} [{','.join(map(str, array.shape))}]\n")
    write_elements(out, type, result_elements(type, array, exact_nan))


def write_graph(out, name, inputs, result):
    out.write(f"graph {name}\n")
    for a in inputs:
        write_array(out, "in", a)
    if isinstance(result, str):
        out.write(f" error {result}\n")
    else:
        write_array(out, "out", np.asarray(result), exact_nan=name.split()[0] == "boolean_mask")


def numbers(generator, type, shape):
    """Elements of any bits: boolean_mask copies them, NaN payloads too."""
    count = int(np.prod(shape))
    if type == "bool":
        return np.array([generator.random() < 0.5 for _ in range(count)], dtype=bool).reshape(shape)
    bits = [generator.getrandbits(8 * SIZE[type]) for _ in range(count)]
    return of_bits(type, bits).reshape(shape)


MASKS = [  # shape of the tensor, axis, rank of the mask
    ((1,), 0, 1), ((7,), 0, 1), ((7,), -1, 1), ((70,), 0, 1), ((0,), 0, 1),
    ((3, 4), 0, 1), ((3, 4), 1, 1), ((3, 4), -1, 1), ((3, 4), -2, 1), ((3, 4), 0, 2), ((3, 4), -2, 2),
    ((2, 3, 4), 0, 1), ((2, 3, 4), 1, 1), ((2, 3, 4), 2, 1), ((2, 3, 4), 0, 2), ((2, 3, 4), 1, 2),
    ((2, 3, 4), -2, 2), ((2, 3, 4), 0, 3), ((2, 3, 4, 2), 1, 2), ((2, 3, 4, 2), -3, 3), ((2, 3, 4, 2), 2, 1),
    ((0, 3), 0, 1), ((0, 3), 1, 1), ((3, 0), 0, 1), ((3, 0), 1, 1), ((3, 0), 0, 2), ((2, 0, 3), 1, 2),
    ((1, 1, 1), 0, 2), ((2, 1, 2, 1, 2, 1, 2, 3), 3, 4), ((5, 9), 1, 1),
]


def tensorflow_mask(t, m, axis):
    """tf.boolean_mask; it moves bits, so types it lacks go by the unsigned integers of their size."""
    moved = t if t.dtype == np.bool_ else bits_of(t) if t.size else t.astype(np.uint8)
    result = tf.boolean_mask(tf.constant(moved), tf.constant(m), axis=axis).numpy()
    return result if t.dtype == np.bool_ else result.view(t.dtype) if t.size else result.astype(t.dtype)


def write_masks(out, generator):
    for i, (shape, axis, rank) in enumerate(MASKS):
        # TensorFlow refuses a negative axis; the language counts from the end.
        first = axis % len(shape)
        for kind in ("half", "none", "all") if i % 3 == 0 else ("half",):
            t = numbers(generator, TYPES[(i * 5 + len(kind)) % len(TYPES)], shape)
            m = numbers(generator, "bool", shape[first : first + rank])
            m = np.zeros_like(m) if kind == "none" else np.ones_like(m) if kind == "all" else m
            result = tensorflow_mask(t, m, first)
            assert np.array_equal(bits_of(result), bits_of(t[(slice(None),) * first + (m,)]))
            write_graph(out, f"boolean_mask axis={axis}", [t, m], result)
    for type in TYPES:
        t, m = numbers(generator, type, (4, 3)), numbers(generator, "bool", (4,))
        write_graph(out, "boolean_mask axis=0", [t, m], tensorflow_mask(t, m, 0))
    for t, m, axis in (((2, 2), (3,), 0), ((2, 2), (1,), 0), ((2, 3), (2,), 1), ((0,), (1,), 0), ((2, 3), (2, 2), 0)):
        write_graph(out, f"boolean_mask axis={axis}", [np.zeros(t, np.int8), np.zeros(m, bool)], "shape")


def write_nonzero(out, generator):
    for type in TYPES:
        special = operand(type, op_values(type))
        write_graph(out, "nonzero", [special], np.argwhere(special != 0))
    for shape in ((5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (0,), (3, 0), (1, 1)):
        for type in ("bool", "i32", "f64"):
            t = numbers(generator, type, shape) * numbers(generator, "bool", shape)
            expected = tf.where(tf.constant(t)).numpy()
            assert np.array_equal(expected, np.argwhere(t))
            write_graph(out, "nonzero", [t], expected.astype(np.int64).reshape(-1, len(shape)))


SHAPES = [
    ((), ()), ((), (3,)), ((3,), ()), ((3,), (3,)), ((3,), (1,)), ((1,), (3,)), ((2, 1), (3,)), ((2, 3), (3,)),
    ((2, 3), (2, 1)), ((2, 1, 4), (3, 1)), ((1, 1), (2, 3)), ((0,), (1,)), ((1,), (0,)), ((0,), (0,)),
    ((0, 3), (3,)), ((2, 0), (1, 1)), ((2, 1), (0,)), ((5, 1, 3), (2, 3)), ((2, 1, 2, 1, 2, 1, 2, 1), (3, 1, 3)),
    ((30, 40), (40,)), ((700,), ()), ((1, 700), (3, 1)),
    ((3,), (4,)), ((3,), (0,)), ((2, 3), (2,)), ((2, 3), (3, 2)), ((0,), (2,)), ((2, 1, 3), (4, 2)),
]


def write_broadcasts(out, generator):
    for i, (a, b) in enumerate(SHAPES):
        type = INTS[i % len(INTS)]
        x, y = numbers(generator, type, a), numbers(generator, type, b)
        op = ("add", "less", "subtract", "equal")[i % 4]
        try:
            np.broadcast_shapes(a, b)
        except ValueError:
            write_graph(out, op, [x, y], "shape")
            continue
        write_graph(out, op, [x, y], np.asarray(getattr(np, op)(x, y)))
    for c, a, b in (((3,), (), ()), ((2, 1), (3,), ()), ((), (2, 3), (1, 3)), ((1,), (0,), ()), ((2, 1, 1), (3, 1), (4,))):
        c, x, y = numbers(generator, "bool", c), numbers(generator, "i16", a), numbers(generator, "i16", b)
        write_graph(out, "where", [c, x, y], np.where(c, x, y))
    three = [np.zeros(n, t) for n, t in ((3, bool), (4, np.int16), (1, np.int16))]
    write_graph(out, "where", three, "shape")


def write_arrays(path):
    generator = random.Random(1)
    with open(path, "w") as out:
        out.write("# boolean_mask, nonzero and broadcasting. Written by make.py.\n")
        write_masks(out, generator)
        write_nonzero(out, generator)
        write_broadcasts(out, generator)


if __name__ == "__main__":
    write_ops(os.path.join(HERE, "ops.txt"))
    write_casts(os.path.join(HERE, "casts.txt"))
    write_arrays(os.path.join(HERE, "arrays.txt"))
    print("not in TensorFlow:", ", ".join(NOT_IN_TENSORFLOW))
