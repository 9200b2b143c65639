#!/usr/bin/env python3
"""Write ops.txt, casts.txt, arrays.txt and reductions.txt: what NumPy, TensorFlow and exact arithmetic say.

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
    text EXPRESSION             the same of an expression over operands a, b, c

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
    write_case(out, f"graph {name}", inputs, result, exact_nan=name.split()[0] == "boolean_mask")


def write_case(out, head, inputs, result, exact_nan):
    out.write(head + "\n")
    for a in inputs:
        write_array(out, "in", a)
    if isinstance(result, str):
        out.write(f" error {result}\n")
    else:
        write_array(out, "out", np.asarray(result), exact_nan)


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


# ---- Reductions ----------------------------------------------------------------------------------

KINDS = ["count", "any", "all", "sum", "prod", "mean", "min", "max", "argmin", "argmax"]


def few(generator, kind, type, shape):
    """Elements whose float sums and products are exact in any order; special values where the order does not matter."""
    count = int(np.prod(shape))
    if kind in ("sum", "mean", "prod"):
        values = [0, 1, 2] if type[0] in "bu" and type != "bf16" else [-2, -1, 0, 1, 2]
        values = [v for v in values if v or kind != "prod"] + ([0.5] if type in FLOATS else [])
        return np.array([generator.choice(values) for _ in range(count)]).astype(DTYPE[type]).reshape(shape)
    some = [generator.choice(op_values(type)) for _ in range(4)]  # a few, so that there are equal ones
    return operand(type, [generator.choice(some) for _ in range(count)] or np.zeros(0, BITS[SIZE[type]])).reshape(shape)


def best(x, least, place):
    """min or max of a row, or the place of the first. Override: -0 is below +0; NumPy may give either."""
    nan = np.flatnonzero(x != x)
    if len(nan):
        return nan[0] if place else x[nan[0]]
    wide = x.astype(np.float64) if x.dtype not in (np.int64, np.uint64) else x
    if place:
        return (np.argmin if least else np.argmax)(wide)
    extreme = wide.min() if least else wide.max()
    signed = np.issubdtype(wide.dtype, np.floating)
    ties = [v for v in x[wide == extreme] if not signed or extreme or np.signbit(np.float64(v)) == least]
    return (ties or list(x[wide == extreme]))[0]


def reduce_row(kind, type, x):
    """A reduction of the selected elements of a row, or None: an error."""
    if kind in ("count", "any", "all"):
        return {"count": np.int64(np.count_nonzero(x)), "any": np.any(x != 0), "all": np.all(x != 0)}[kind]
    if kind == "mean":
        wide = x.astype(np.float32 if SIZE[type] < 4 and type in FLOATS else DTYPE[type] if type in FLOATS else np.float64)
        return (np.sum(wide) / wide.dtype.type(len(wide))).astype(DTYPE[type] if type in FLOATS else np.float64)
    if kind in ("sum", "prod"):
        to = np.float32 if type in ("f16", "bf16") else DTYPE[type] if type in FLOATS else np.uint64 if type[0] == "u" else np.int64
        return getattr(np, kind)(x.astype(to)).astype(DTYPE[type] if type in FLOATS else to)
    if len(x) == 0:
        return None
    result = best(x, "min" in kind, kind.startswith("arg"))
    return np.int64(result) if kind.startswith("arg") else result


def reduce_rows(kind, type, x, mask, axes, keepdims):
    """Row by row: axes that stay, then those that go. `mask` has x's shape; argmin and argmax give places in x."""
    kept = [i for i in range(x.ndim) if i not in axes]
    order = kept + sorted(axes)
    count, length = (int(np.prod([x.shape[i] for i in some])) for some in (kept, axes))
    results = []
    for row, selected in zip(*(np.transpose(a, order).reshape(count, length) for a in (x, mask))):
        result = reduce_row(kind, type, row[selected])
        if result is None:
            return "argument"
        results.append(np.flatnonzero(selected)[result] if kind.startswith("arg") else result)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
    return np.array(results, dtype=result_dtype(kind, type)).reshape(shape)


def result_dtype(kind, type):
    if kind in ("count", "argmin", "argmax"):
        return np.int64
    if kind in ("any", "all"):
        return np.bool_
    if kind == "mean" and type not in FLOATS:
        return np.float64
    if kind in ("sum", "prod") and type not in FLOATS:
        return np.uint64 if type[0] == "u" else np.int64
    return DTYPE[type]


def check_numpy(kind, type, x, mask, axes, keepdims, result):
    """NumPy's own reduction must agree, where it has one that takes the same and orders zeros."""
    if kind.startswith("arg") or isinstance(result, str) or type == "bf16" or not np.all(x == x):
        return
    name = "count_nonzero" if kind == "count" else kind
    options = {"axis": tuple(axes), "keepdims": keepdims}
    if kind in ("sum", "prod", "mean"):
        options["dtype"] = np.float32 if type == "f16" else result.dtype
    if kind in ("min", "max"):
        info = np.iinfo if x.dtype != np.bool_ and np.issubdtype(x.dtype, np.integer) else np.finfo
        ends = (False, True) if type == "bool" else (-np.inf, np.inf) if type in FLOATS else (info(x.dtype).min, info(x.dtype).max)
        options["initial"] = ends[kind == "min"]
    if kind == "count":
        by_numpy = np.sum((x != 0) & mask, **options)
    else:
        by_numpy = getattr(np, name)(x, where=mask, **options).astype(result.dtype)
    same = (by_numpy == result) | ((by_numpy != by_numpy) & (result != result))
    assert np.all(same), (kind, type, by_numpy, result)


AXES = [  # shape, axes, shape of where or None
    ((), (), None), ((1,), (0,), None), ((7,), (0,), None), ((7,), (0,), (7,)), ((7,), (0,), (1,)), ((7,), (0,), ()),
    ((1030,), (0,), (1030,)), ((0,), (0,), None), ((3, 4), (0, 1), None), ((3, 4), (0,), (3, 4)), ((3, 4), (1,), (4,)),
    ((3, 4), (1,), (3, 1)), ((3, 4), (0,), (3, 1)), ((2, 3, 4), (0, 2), (3, 1)), ((2, 3, 4), (1,), (2, 1, 4)),
    ((2, 3, 4), (0, 1, 2), (1, 4)), ((2, 3, 4), (2,), None), ((0, 3), (1,), None), ((3, 0), (0,), (3, 1)),
    ((3, 0), (1,), None), ((2, 1, 2, 1, 2, 1, 2, 3), (1, 2, 7), (2, 1, 1, 3)),
]


def option(word, value):
    return f", {word}={value}" if value is not None else ""


def written_axes(generator, kind, shape, axes):
    if len(axes) == len(shape) and (generator.random() < 0.5 or len(axes) != 1 and kind.startswith("arg")) or not shape:
        return None
    axes = [a - len(shape) if generator.random() < 0.3 else a for a in axes]
    return axes[0] if len(axes) == 1 else "(" + ", ".join(map(str, axes)) + ")"


def write_reductions(out, generator):
    for i, (shape, axes, where) in enumerate(AXES):
        for k, kind in enumerate(KINDS):
            if kind.startswith("arg") and len(axes) not in (1, len(shape)):
                continue
            some = [TYPES[(5 * i + k) % 13], TYPES[(5 * i + k + 6) % 13]]
            for type in TYPES if len(shape) == 1 and shape[0] < 10 else some if np.prod(shape) < 100 else some[:1]:
                x = few(generator, kind, type, shape)
                mask = np.ones((), bool) if where is None else numbers(generator, "bool", where)
                keepdims = generator.random() < 0.3
                result = reduce_rows(kind, type, x, np.broadcast_to(mask, shape), axes, keepdims)
                check_numpy(kind, type, x, mask, axes, keepdims, result)
                text = f"text {kind}(a" + option("where", None if where is None else "b") + option("axis", written_axes(generator, kind, shape, axes))
                text += option("keepdims", "true" if keepdims else None) + ")"
                write_case(out, text, [x] if where is None else [x, mask], result, exact_nan=False)


def write_packed(out, generator):
    """Reductions of a[m]: the packed array made by NumPy, then reduced."""
    for i, (shape, axis, rank) in enumerate(MASKS):
        for k, kind in enumerate(KINDS):
            type = TYPES[(3 * i + k) % 13]
            x, first = few(generator, kind, type, shape), axis % len(shape)
            mask = numbers(generator, "bool", shape[first : first + rank])
            packed = x[(slice(None),) * first + (mask,)]
            places = range(packed.ndim)
            axes = generator.choice([tuple(places), (first,), (first, first + 1) if first + 1 < packed.ndim else (first,)])
            if kind.startswith("arg") and len(axes) not in (1, packed.ndim):
                axes = (first,)
            keepdims = generator.random() < 0.3
            result = reduce_rows(kind, type, packed, np.ones(packed.shape, bool), axes, keepdims)
            text = f"text {kind}(boolean_mask(a, b, axis={axis})" + option("axis", written_axes(generator, kind, packed.shape, axes))
            write_case(out, text + option("keepdims", "true" if keepdims else None) + ")", [x, mask], result, exact_nan=False)


def write_initial(out, generator):
    """initial= takes part, and makes a reduction of nothing no error."""
    for kind in ("sum", "prod", "min", "max"):
        for type in INTS + ["f32", "f64"]:
            for shape, axes in (((5,), (0,)), ((2, 3), (1,)), ((0,), (0,)), ((2, 0), (1,))):
                x, initial = few(generator, kind, type, shape), few(generator, "sum", type, ())
                if type in FLOATS:
                    x = np.where(x == x, x, DTYPE[type](1)) + DTYPE[type](0)  # no NaN, no -0: NumPy is exact
                mask = numbers(generator, "bool", shape)
                to = result_dtype(kind, type)
                dtype = {"dtype": to} if kind in ("sum", "prod") else {}
                result = getattr(np, kind)(x, where=mask, axis=axes, initial=initial.astype(to), **dtype)
                text = f"text {kind}(a, where=b, axis={axes[0]}, initial=c)"
                write_case(out, text, [x, mask, initial], np.asarray(result, dtype=to), exact_nan=False)
    for inputs in ((2,), (3,)), ((2, 3), (3, 3)), ((1,), (2,)), ((4, 2), (4,)):
        x, mask = (np.ones(s, t) for s, t in zip(inputs, (np.int32, bool)))
        for kind in ("sum", "any", "argmin"):
            write_case(out, f"text {kind}(a, where=b)", [x, mask], "shape", exact_nan=False)
        write_case(out, "text max(a[b])", [x, mask], x.max() if x.shape[:mask.ndim] == mask.shape else "shape", exact_nan=False)


# ---- What a mask puts into an array ---------------------------------------------------------------


def raw(array):
    """Bits that NumPy only moves."""
    return array if array.dtype == np.bool_ else array.view(BITS[array.dtype.itemsize])


def moved(function, a, *rest):
    """What a function of NumPy that writes into its first operand makes of a copy of it."""
    result = raw(a).copy()
    function(result, *(raw(r) for r in rest))
    return result.view(a.dtype)


def assign(axis):
    def function(a, m, v):
        a[(slice(None),) * axis + (m,)] = v

    return function


def write_expand(out, generator):
    for i, (shape, axis, rank) in enumerate(MASKS):
        first, type = axis % len(shape), TYPES[(4 * i) % 13]
        axis = axis if axis >= 0 else axis + rank - 1  # counted from the end of the packed shape
        m = numbers(generator, "bool", shape[first : first + rank])
        packed = shape[:first] + (int(np.count_nonzero(m)),) + shape[first + rank :]
        fill, v = numbers(generator, type, shape), numbers(generator, type, packed)
        write_case(out, f"text expand(a, b, c, axis={axis})", [v, m, fill], moved(assign(first), fill, m, v), exact_nan=True)
        scalar = numbers(generator, type, ())
        whole = np.full(shape, raw(scalar)).view(v.dtype)
        write_case(out, f"text expand(a, b, c, axis={axis})", [v, m, scalar], moved(assign(first), whole, m, v), exact_nan=True)
        # v stretches, and may lack axes
        thin = tuple(n if generator.random() < 0.5 else 1 for n in packed)[generator.randrange(len(packed) + 1) :]
        v = numbers(generator, type, thin)
        write_case(out, f"text expand(a, b, c, axis={axis})", [v, m, fill], moved(assign(first), fill, m, v), exact_nan=True)
    for v, m, fill in (((2,), (3,), (3,)), ((0,), (3,), (3,)), ((3,), (3,), (4,)), ((3, 2), (3,), (3, 3)), ((2, 3), (3,), (3, 3))):
        inputs = [np.zeros(v, np.int8), np.ones(m, bool), np.zeros(fill, np.int8)]
        write_case(out, "text expand(a, b, c)", inputs, "shape", exact_nan=False)


def write_put(out, generator):
    pairs = [(shape, values) for shape in ((), (1,), (7,), (3, 4), (2, 3, 4), (0,), (3, 0)) for values in ((), (1,), (3,), (2, 3), (0,), (30,))]
    pairs += [((600,), (7,)), ((600,), (513,)), ((2, 300), (20, 35))]
    for i, (shape, values) in enumerate(pairs):
        for name, function in (("place", np.place), ("putmask", np.putmask)):
            type = TYPES[5 * i % 13]
            a, m, v = numbers(generator, type, shape), numbers(generator, "bool", shape), numbers(generator, type, values)
            if name == "place" and v.size == 0 and m.any():
                result = "shape"
            else:
                result = moved(function, a, m, v)
            write_case(out, f"text {name}(a, b, c)", [a, m, v], result, exact_nan=True)
    for type in TYPES:
        a, m, v = numbers(generator, type, (9,)), numbers(generator, "bool", (9,)), numbers(generator, type, (2,))
        write_case(out, "text place(a, b, c)", [a, m, v], moved(np.place, a, m, v), exact_nan=True)
        write_case(out, "text putmask(a, b, c)", [a, m, v], moved(np.putmask, a, m, v), exact_nan=True)
    for name in ("place", "putmask"):
        write_case(out, f"text {name}(a, b, c)", [np.zeros(3, np.int8), np.zeros(4, bool), np.zeros(2, np.int8)], "shape", exact_nan=False)


def write_compress(out, generator):
    for i, (shape, axis) in enumerate((((7,), 0), ((600,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), -2), ((0,), 0), ((0, 3), 1), ((3, 0), 0))):
        for extra in (-2, -1, 0, 1, 2):
            n = max(shape[axis] + extra, 0)
            c, t = numbers(generator, "bool", (n,)), numbers(generator, TYPES[(5 * i + extra) % 13], shape)
            # Override: of an array with no elements NumPy does not look whether an index is past the end.
            past = c[shape[axis] :].any()
            result = "shape" if past else np.compress(c, raw(t), axis=axis).view(t.dtype)
            write_case(out, f"text compress(a, b, axis={axis})", [c, t], result, exact_nan=True)


def write_reductions_file(path):
    generator = random.Random(2)
    with open(path, "w") as out:
        out.write("# Reductions, expand, place, putmask and compress. Written by make.py.\n")
        write_reductions(out, generator)
        write_packed(out, generator)
        write_initial(out, generator)
        write_expand(out, generator)
        write_put(out, generator)
        write_compress(out, generator)


if __name__ == "__main__":
    write_ops(os.path.join(HERE, "ops.txt"))
    write_casts(os.path.join(HERE, "casts.txt"))
    write_arrays(os.path.join(HERE, "arrays.txt"))
    write_reductions_file(os.path.join(HERE, "reductions.txt"))
    print("not in TensorFlow:", ", ".join(NOT_IN_TENSORFLOW))
