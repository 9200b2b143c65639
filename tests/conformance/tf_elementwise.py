"""TensorFlow's tests of masks, choices, comparisons, logic, casts, bits and arithmetic: their inputs and situations."""

import itertools

import numpy as np
import tensorflow as tf

from case import DTYPE, FLOATS, INTS, Suite, array, small_random

rng = np.random.RandomState(42)
CWISE = ["f16", "f32", "f64", "i32", "i64"]
BROADCASTS = [
    ([1, 3, 2], [1]), ([1, 3, 2], [2]), ([1, 3, 2], [3, 2]), ([1, 3, 2], [3, 1]), ([1, 3, 2], [1, 3, 2]),
    ([1, 3, 2], [2, 3, 1]), ([1, 3, 2], [2, 1, 1]), ([1, 3, 2], [1, 3, 1]), ([2, 1, 5], [2, 3, 1]),
    ([2, 0, 5], [2, 0, 1]), ([2, 3, 0], [2, 3, 1]),
]
COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal"}


def halves(shape):
    return rng.randint(0, 2, size=shape).astype(bool)


def boolean_mask():
    s = Suite("tensorflow", "tf_boolean_mask", "TensorFlow's BooleanMaskTest.")

    def masked(test, rank, shape, axis=None, type="f64", mask=None):
        t = array(type, rng.rand(*shape) * 200 - 100)
        first = axis or 0
        m = halves(shape[first : first + rank]) if mask is None else mask(shape[first : first + rank])
        text = ["t[m]", "t[:, m]", "t[:, :, m]"][first] if rank % 2 else f"boolean_mask(t, m, axis={first})"
        s.same("BooleanMaskTest." + test, text, {"t": t, "m": m}, lambda t, m: tf.boolean_mask(t, m, axis=axis),
               lambda t, m: t[(slice(None),) * first + (m,)], exact=True)

    for type in ("f64", "f32", "i32", "u8", "bf16", "bool", "i64", "u16"):
        for shape in [(1, 1), (2, 2), (2, 5)]:
            masked("testMaskDim1ArrDim2Axis1", 1, shape, 1, type)
            masked("testMaskDim1ArrDim2", 1, shape, None, type)
            masked("testMaskDim2ArrDim2", 2, shape, None, type)
        for n in (1, 2, 3, 10):
            masked("testMaskDim1ArrDim1", 1, (n,), None, type)
        for shape in [(1, 1, 1), (1, 2, 2), (2, 2, 1)]:
            masked("testMaskDim2ArrDim3", 2, shape, None, type)
    for shape, axis, rank in [((3, 4, 5), 2, 1), ((3, 4, 5), 1, 2), ((2, 3, 4, 2), 1, 1), ((2, 3, 4, 2), 2, 1), ((2, 3, 4, 2), 1, 2)]:
        for type in ("f32", "u8"):
            masked("CheckVersusNumpy", rank, shape, axis, type)
    for rank in range(1, 4):
        for dims in range(rank, rank + 3):
            for _ in range(3):
                masked("testEmptyOutput", rank, tuple(rng.randint(1, 5, size=dims)), mask=lambda n: np.zeros(n, bool))
    empty = {"t": np.zeros((2, 0), np.float32), "m": np.array([True, False])}
    s.same("BooleanMaskTest.testEmptyInput2D", "t[m]", empty, tf.boolean_mask, lambda t, m: t[m])
    empty = {"t": np.zeros(0, np.float32), "m": np.zeros(0, bool)}
    s.same("BooleanMaskTest.testEmptyInput1D", "t[m]", empty, tf.boolean_mask, lambda t, m: t[m])
    s.same("BooleanMaskTest.testWorksWithDimensionsEqualToNoneDuringGraphBuild", "t[m]",
           {"t": array("i32", [[1, 2], [3, 4]]), "m": np.array([False, True])}, tf.boolean_mask)
    for type in ("i32", "f32"):
        many = {"t": array(type, [1, 2, 3, 4]), "m": np.array([[True, True], [False, False]])}
        s.fails("BooleanMaskTest.testMaskHasMoreDimsThanTensorRaises", "t[m]", many, tf.boolean_mask)
        scalar = {"t": array(type, 1), "m": np.array(True)}
        s.fails("BooleanMaskTest.testMaskIsScalarRaises", "t[m]", scalar, tf.boolean_mask, "error")
        short = {"t": array(type, [[1, 2], [3, 4]]), "m": np.array([True, True, True])}
        s.fails("BooleanMaskTest.testMaskShapeDifferentThanFirstPartOfTensorShapeRaises", "t[m]", short, tf.boolean_mask)
        s.same("BooleanMaskTest.testMaskWithAxisTensor", "boolean_mask(t, m, axis=0)",
               {"t": array(type, [1, 2, 3]), "m": np.array([True, False, True])}, lambda t, m: tf.boolean_mask(t, m, axis=0))
    for axis in (-1, -2):
        t, m = array("f32", rng.rand(3, 4)), halves((3, 4)[axis])
        s.same("BooleanMaskTest.axis", f"boolean_mask(t, m, axis={axis})", {"t": t, "m": m},
               lambda t, m: np.compress(m, t, axis=axis), exact=True)
    return s


def where():
    s = Suite("tensorflow", "tf_where", "TensorFlow's WhereOpTest.")
    indices = tf.where

    def places(test, c):
        s.same("WhereOpTest." + test, "where(c)", {"c": c}, indices, lambda c: np.argwhere(c).astype(np.int64))

    for values in ([True, False], [False, True, False], [False, False, True, False, True]):
        for type in ("bool", "i32", "f64"):
            places("testBasicVec", array(type, values))
    places("testBasicMat", np.array([[True, False], [True, False]]))
    places("testBasic3Tensor", np.array([[[1, 0], [1, 0]], [[0, 1], [0, 1]], [[0, 0], [0, 1]]], bool))
    places("testRandomVec", small_random("bool", (100000,), 5))
    for i, type in enumerate(["bool", "i32", "i64", "f32", "f64", "u8", "i8", "i16", "f16", "u64"]):
        c = small_random("bool", (127, 33, 53), 11 + i)
        s.same("WhereOpTest.testRandom" + type.capitalize(), f"where({type}(c))", {"c": c},
               lambda c: indices(c.astype(DTYPE[type])))
    for type in ("i64", "i32", "f32", "f64", "i8", "bf16"):
        x = array(type, [[-2, 3, -1], [1, -3, -3]])
        s.same("WhereOpTest.testThreeArgument", "where(x > 0, x * x, -x)", {"x": x},
               lambda x: tf.where(tf.constant(x) > 0, x * x, -x), lambda x: np.where(x > 0, x * x, -x))
    three = lambda c, x, y: tf.where(c, x, y)
    f = array("f64", rng.normal(0, 1, (3, 5, 1, 1)))
    s.same("WhereOpTest.testV2Broadcasting", "where(f < 0, x, y)",
           {"f": f, "x": np.zeros((7, 11)), "y": np.ones((7, 11))}, lambda f, x, y: tf.where(f < 0, x, y))
    for shape, c in (((7, 11), np.array(True)), ((7, 11), np.array(False)), ((7,), np.array([True])), ((7,), np.array([False]))):
        for type in ("f64", "i32"):
            inputs = {"c": c, "x": np.zeros(shape, DTYPE[type]), "y": np.ones(shape, DTYPE[type])}
            s.same("WhereOpTest.testV2" + ("Scalar" if c.ndim == 0 else "Vector") + "Broadcasting", "where(c, x, y)", inputs,
                   three, np.where, exact=True)
    pred = array("i64", [[1], [0], [0]])
    for type in ("f64", "f32"):
        inputs = {"c": pred, "x": array(type, rng.randn(3, 4)), "y": array(type, rng.randn(3, 4))}
        s.same("WhereOpTest.testV2PredBroadcasting", "where(c != 0, x, y)", inputs, lambda c, x, y: np.where(c, x, y),
               lambda c, x, y: tf.where(c, x, y))
    x = array("i64", [[-2, 3, -1] * 64, [1, -3, -3] * 64] * 2)
    s.same("WhereOpTest.testBatchSelect", "where(c, x * x, -x)", {"c": array("bool", [[False], [True]] * 2), "x": x},
           lambda c, x: tf.where(c, x * x, -x), lambda c, x: np.where(c, x * x, -x))
    return s


PAIRED = [(1, 1, 1), (1, 3, 1), (1, 1, 2), (1, 1), (1,), (1, 2), (3, 2)]


def select():
    s = Suite("tensorflow", "tf_select", "TensorFlow's SelectOpTest and BatchSelectOpTest.")
    text = "where(c, x, y)"

    def chosen(test, c, x, y, types=CWISE):
        for type in types:
            s.same(test, text, {"c": c, "x": array(type, x), "y": array(type, y)}, tf.where, np.where, exact=True)

    x, y = rng.rand(1, 3, 2) * 100, rng.rand(1, 3, 2) * 100
    chosen("SelectOpTest.testScalar", np.array(True), x, y)
    chosen("SelectOpTest.testScalar", np.array(False), x, y)
    for shape in PAIRED:
        y = rng.rand(*shape) * 100
        chosen("SelectOpTest.testScalarBroadcast", np.array(True), x, y)
        chosen("SelectOpTest.testScalarBroadcast", np.array(True), y, x)
    y = rng.rand(1, 3, 2) * 100
    chosen("SelectOpTest.testBasic", halves((1, 3, 2)), x, y, CWISE + ["i8", "u16", "bf16", "bool"])
    for c in (halves((1, 3, 2)), halves((1, 1, 2)), halves((1, 3, 1)), halves((1, 1, 1))):
        for i, shape in enumerate(PAIRED):
            y = rng.rand(*shape) * 100
            types = [CWISE[i % 5], CWISE[(i + 2) % 5]]
            chosen("SelectOpTest.testBasicBroadcast", c, x, y, types)
            chosen("SelectOpTest.testBasicBroadcast", c, y, x, types)
    for type in CWISE:
        bad = {"c": halves((1, 3, 2)), "x": array(type, x), "y": array(type, rng.rand(2, 5, 3) * 100)}
        s.fails("SelectOpTest.testShapeMismatch", text, bad, tf.where)
    empty = np.zeros((1, 3, 0))
    chosen("SelectOpTest.testEmptyTensor", empty.astype(bool), empty, empty)
    for c, a, b in itertools.product((False, True), (7.0, np.nan), (5.0, np.nan)):
        chosen("SelectOpTest.testNan", np.array(c), np.array(a), np.array(b), FLOATS)
    c = halves(16)
    for type in CWISE:
        inputs = {"c": c.reshape(16, 1, 1), "x": array(type, rng.rand(16, 2, 2) * 100), "y": array(type, rng.rand(16, 2, 2) * 100)}
        s.same("BatchSelectOpTest.testBasic", text, inputs, tf.where, np.where, exact=True)
    return s


def compare():
    s = Suite("tensorflow", "tf_compare", "TensorFlow's ComparisonOpTest.")

    def each(test, x, y, types=CWISE, ops=COMPARISONS):
        for type, (sign, name) in itertools.product(types, ops.items()):
            inputs = {"x": array(type, x), "y": array(type, y)}
            s.same("ComparisonOpTest." + test, f"x {sign} y", inputs, getattr(tf.math, name), getattr(np, name))

    for x, y in itertools.product((-1, 0, 1), repeat=2):
        each("testScalarCompareScalar", [x], [y])
    each("testTensorCompareTensor", np.linspace(-15, 15, 6).reshape(1, 3, 2), np.linspace(20, -10, 6).reshape(1, 3, 2))
    for xs, ys in BROADCASTS:
        x = np.linspace(-15, 15, np.prod(xs)).reshape(xs)
        y = np.linspace(20, -10, np.prod(ys)).reshape(ys)
        for sign, name in COMPARISONS.items():
            test = "testBCast" + name.title().replace("_", "")
            each(test, x, y, ops={sign: name})
            each(test, y, x, ops={sign: name})
    for type, (sign, name) in itertools.product(CWISE, COMPARISONS.items()):
        inputs = {"x": array(type, np.arange(10).reshape(2, 5)), "y": array(type, np.arange(10).reshape(5, 2))}
        s.fails("ComparisonOpTest.testShapeMismatch", f"x {sign} y", inputs, getattr(np, name))
    return s


LOGIC = {"&": "logical_and", "|": "logical_or", "^": "logical_xor"}


def logical():
    s = Suite("tensorflow", "tf_logical", "TensorFlow's LogicalOpTest.")

    def both(test, x, y):
        for sign, name in LOGIC.items():
            s.same("LogicalOpTest." + test, f"x {sign} y", {"x": x, "y": y}, getattr(tf.math, name), getattr(np, name))

    def opposite(test, x):
        for text in ("!x", "~x"):
            s.same("LogicalOpTest." + test, text, {"x": x}, tf.math.logical_not, np.logical_not)

    values = [np.array([True]), np.array([False])]
    for x in values:
        opposite("testScalar", x)
    for x, y in itertools.product(values, repeat=2):
        both("testScalar", x, y)
    x, y = halves((1, 3, 2)), halves((1, 3, 2))
    opposite("testTensor", x)
    both("testTensor", x, y)
    for xs, ys in BROADCASTS:
        both("testBCast", halves(xs), halves(ys))
        both("testBCast", halves(ys), halves(xs))
    for sign, name in LOGIC.items():
        s.fails("LogicalOpTest.testShapeMismatch", f"x {sign} y", {"x": halves((1, 3, 2)), "y": halves((4, 2, 1))}, getattr(np, name))
        word = f"x {sign * 2} y" if sign != "^" else "logical_xor(x, y)"
        s.same("LogicalOpTest.testTensor", word, {"x": x, "y": y}, getattr(tf.math, name))
    return s


def cast():
    s = Suite("tensorflow", "tf_cast", "TensorFlow's CastOpTest and SaturateCastTest.")
    tf_cast = lambda type: lambda x: tf.cast(x, DTYPE[type])
    np_cast = lambda type: lambda x: x.astype(DTYPE[type])
    both = ["f32", "f64", "i32", "i64"]

    def each(test, x):
        for source, target in itertools.product(both, both):
            a = array(source, x)
            s.same("CastOpTest." + test, f"{target}(x)", {"x": a}, tf_cast(target), np_cast(target), exact=True)
        for source, target in (("bool", "f32"), ("u8", "f32"), ("bool", "i32"), ("i32", "bool"), ("f64", "bool")):
            a = array("i64", x) if source == "u8" else x
            s.same("CastOpTest." + test, f"cast(x, {target})", {"x": array(source, a)}, tf_cast(target), np_cast(target))

    each("testBasic", np.arange(-10, 10).reshape(2, 10))
    each("testBasic", np.linspace(-10, 10, 17))
    f4, f8 = float(np.finfo(np.float32).resolution), float(np.finfo(np.float64).resolution)
    each("testSmallValues", np.array([0, -1, 1, -f4, f4, f8, -f8]))
    each("testRandom", rng.normal(0, 10, 42).reshape(2, 3, 7))
    each("testRandom", rng.normal(0, 1e6, 42).reshape(2, 3, 7))
    a = array("f32", rng.uniform(-100, 100, 100))
    s.same("CastOpTest.testBfloat16", "bf16(a)", {"a": a}, tf_cast("bf16"), np_cast("bf16"))
    s.same("CastOpTest.testBfloat16", "f32(bf16(a))", {"a": a}, lambda a: tf.cast(tf.cast(a, tf.bfloat16), tf.float32))
    s.same("CastOpTest.testBfloat16", "f16(a)", {"a": a}, tf_cast("f16"), np_cast("f16"))
    for source, target in itertools.product(("i32", "i64"), ("f32", "f64")):
        info = np.iinfo(DTYPE[source])
        for v in (info.min, info.max):
            x = np.array(v, DTYPE[source])
            s.same("CastOpTest.testIntToFloatBoundary", f"{target}(x)", {"x": x}, tf_cast(target), np_cast(target))
    for source, target in itertools.product(FLOATS, FLOATS):
        x = array(source, [np.inf, -np.inf, np.nan])
        s.same("CastOpTest.testInfNan", f"{target}(x)", {"x": x}, tf_cast(target), np_cast(target))
    s.same("CastOpTest.testCastToTypeOfVariable", "f32(y)", {"y": np.array(True)}, tf_cast("f32"))
    # What does not fit: as saturate_cast, but exact at the ends, where TensorFlow stays a float's step below.
    for source in ("f32", "f16", "bf16"):
        low = float(np.finfo(DTYPE[source]).min) if source != "bf16" else -3.3895e38
        high = -low
        for target in ("i8", "u8", "i16", "u16", "i32", "u32"):
            info = np.iinfo(DTYPE[target])
            lo, hi = max(float(info.min), low + 1), min(float(info.max), high - 1)
            x = array(source, [low, low + 1, low // 2, high // 2, high, lo - 1, lo, lo + 1, lo // 2, hi // 2, hi - 1, hi, hi + 1])
            want = np.array([max(info.min, min(info.max, int(float(v)))) if abs(float(v)) != np.inf
                             else (info.max if v > 0 else info.min) for v in x], DTYPE[target])
            s.perhaps("saturate_cast", "SaturateCastTest.testSaturateAvoidsUndefinedBehavior", f"{target}(x)", {"x": x},
                      lambda x: tf.saturate_cast(x, DTYPE[target]), want)
    return s


def sequence_mask():
    s = Suite("tensorflow", "tf_sequence_mask", "TensorFlow's SequenceMaskTest, as a comparison of an index with lengths.")

    def mask(test, lengths, longest=None, index="i32", to=None):
        n = np.asarray(lengths, DTYPE[index])
        i = np.arange(longest or n.max()).astype(DTYPE[index])
        text = f"{to}(i < n)" if to else "i < n"
        s.same("SequenceMaskTest." + test, text, {"i": i, "n": n[..., None]},
               lambda *_: tf.sequence_mask(n, longest, dtype=DTYPE[to or "bool"]))

    mask("testOneDimensionalWithMaxlen", [1, 3, 2], 5)
    mask("testOneDimensionalDtypeWithoutMaxlen", [0, 1, 4], to="f32")
    mask("testOneDimensionalWithoutMaxlen", [0, 1, 4])
    mask("testTwoDimensional", [[1, 3, 2]], 5)
    mask("testTwoDimensional", [[0, 1, 4], [1, 2, 3]], to="f32")
    for type in ("i32", "i64", "i8", "u16"):
        mask("testDtypes", [1, 3, 2], 5, type)
    for type in ("bool", "i32", "f32", "i64", "f64"):
        mask("testOutputDtype", [1, 3, 2], 5, to=type)
    return s


def bitwise():
    s = Suite("tensorflow", "tf_bitwise", "TensorFlow's BitwiseOpTest.")
    signs = {"&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor", "<<": "left_shift", ">>": "right_shift"}

    def both(test, x, y, names, types=INTS):
        for type, sign in itertools.product(types, names):
            inputs = {"x": array(type, x), "y": array(type, y)}
            s.same("BitwiseOpTest." + test, f"x {sign} y", inputs, getattr(tf.bitwise, signs[sign]), getattr(np, signs[sign]))

    both("testBinaryOps", [0, 5, 3, 14], [5, 0, 7, 11], "&|^")
    for type in INTS:
        x = array(type, [0, 5, 3, 14])
        s.same("BitwiseOpTest.testInvertOp", "~x", {"x": x}, tf.bitwise.invert, np.invert)
        s.same("BitwiseOpTest.testInvertOp", "x & ~x", {"x": x}, lambda x: tf.bitwise.bitwise_and(x, tf.bitwise.invert(x)))
        s.same("BitwiseOpTest.testInvertOp", "x | ~x", {"x": x}, lambda x: tf.bitwise.bitwise_or(x, tf.bitwise.invert(x)))
    both("testShiftsWithPositiveLHS", [0, 5, 3, 14], [5, 0, 7, 3], ["<<", ">>"])
    signed = INTS[:4]
    both("testShiftsWithNegativeLHS", [-1, -5, -3, -14], [5, 0, 7, 11], ["<<", ">>"], signed[1:])
    for type in signed:
        both("testShapeInference", [[0], [3], [5]], [[1, 2, 4]], ["&", "|", "^", "<<", ">>"], [type])
        width = 8 * np.dtype(DTYPE[type]).itemsize
        x, y = array(type, [-1, -5, -3, -14]), array(type, [-2, 64, 101, 32])
        far = (y.astype(np.int64) < 0) | (y.astype(np.int64) >= width)
        left = np.where(far, 0, np.left_shift(x, np.where(far, 0, y).astype(x.dtype))).astype(x.dtype)
        right = np.where(far, -1, np.right_shift(x, np.where(far, 0, y).astype(x.dtype))).astype(x.dtype)
        for sign, name, want in (("<<", "left_shift", left), (">>", "right_shift", right)):
            s.perhaps("shift_count", "BitwiseOpTest.testImplementationDefinedShiftsDoNotCrash", f"x {sign} y", {"x": x, "y": y},
                      getattr(tf.bitwise, name), want)
    return s


def clip():
    s = Suite("tensorflow", "tf_clip", "TensorFlow's ClipTest.")
    clipped = lambda x, lo, hi: tf.clip_by_value(x, lo, hi)
    x = array("f32", [[-5, 2, 3], [4, 5, 6]])
    four = np.float32(4.4)
    s.same("ClipTest.testClipByValue", "clip(x, -4.4, 4.4)", {"x": x}, lambda x: tf.clip_by_value(x, -4.4, 4.4),
           lambda x: np.clip(x, -four, four))
    for type in ("f16", "f32", "f64", "bf16", "i16", "i32", "i64", "u8"):
        x = array(type, [[1, 2, 3], [4, 5, 6]])
        whole = lambda v: array(type, v, (2, 3))
        s.same("ClipTest.testClipByValue0Type", "clip(x, 2, 4)", {"x": x}, lambda x: tf.clip_by_value(x, DTYPE[type](2), DTYPE[type](4)))
        s.same("ClipTest.testClipByValue1Type", "clip(x, lo, 4)", {"x": x, "lo": whole([2, 2, 2, 3, 3, 3])},
               lambda x, lo: tf.clip_by_value(x, lo, DTYPE[type](4)))
        s.same("ClipTest.testClipByValue2Type", "clip(x, 4, hi)", {"x": x, "hi": whole([6] * 6)},
               lambda x, hi: tf.clip_by_value(x, DTYPE[type](4), hi))
        s.same("ClipTest.testClipByValue3Type", "clip(x, lo, hi)",
               {"x": x, "lo": whole([2, 2, 2, 5, 5, 5]), "hi": whole([5, 5, 5, 7, 7, 7])}, clipped,
               np.clip if type != "bf16" else None)
    bad = {"x": array("f32", [-5, 2, 3, 4, 5, 6], (2, 3, 1)), "c": array("f32", [1, 2])}
    # NumPy and the language stretch both; TensorFlow refuses, since the result must have x's shape.
    s.differs("clip_broadcast", "ClipTest.testClipByValueBadShape", "clip(x, -c, c)", bad,
              lambda x, c: tf.clip_by_value(x, -c, c), np.clip(bad["x"], -bad["c"], bad["c"]))
    for type in FLOATS:
        x = array(type, [np.nan, np.inf, -np.inf])
        s.same("ClipTest.testClipByValueNonFinite", "clip(x, -4.0, 4.0)", {"x": x},
               lambda x: tf.clip_by_value(x, DTYPE[type](-4), DTYPE[type](4)))
    return s


ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply"}
MORE = [([1, 1, 1, 1, 3, 2], [1, 3, 2]), ([1, 3, 2, 1, 1], [1]), ([2, 3, 1, 1, 5], [1]), ([10, 3, 1, 2], [3, 1, 2])]


def arithmetic():
    s = Suite("tensorflow", "tf_arithmetic", "TensorFlow's BinaryOpTest.")

    def each(test, x, y, signs="+-*"):
        for sign in signs:
            name = ARITHMETIC[sign]
            s.same("BinaryOpTest." + test, f"x {sign} y", {"x": x, "y": y}, getattr(tf.math, name), getattr(np, name))

    def floored(test, x, y, mod=True):
        inputs = {"x": x, "y": y}
        s.same("BinaryOpTest." + test, "x // y", inputs, tf.math.floordiv, np.floor_divide)
        if mod:
            s.same("BinaryOpTest." + test, "x % y", inputs, np.mod, tf.math.floormod)

    for type, test in (("f32", "testFloatBasic"), ("f64", "testDoubleBasic"), ("bf16", "testBfloat16Basic"), ("f16", "testHalfBasic")):
        x = array(type, np.linspace(-5, 20, 15), (1, 3, 5))
        y = array(type, np.linspace(20, -5, 15), (1, 3, 5))
        each(test, x, y)
        y = array(type, y + array(type, 0.1))
        s.same("BinaryOpTest." + test, "x / y", {"x": x, "y": y}, tf.math.truediv, np.true_divide)
        for name in ("minimum", "maximum"):
            s.same("BinaryOpTest." + test, f"{name}(x, y)", {"x": x, "y": y}, getattr(tf.math, name), getattr(np, name))
        x = array(type, np.concatenate([np.linspace(-20, 20, 8), [np.nan, np.inf]]))
        y = array(type, [0, 1, -0.0, 2.5, 0, -3, 0, 1, 0, 0])
        s.same("BinaryOpTest.testMultiplyNoNan", "multiply_no_nan(x, y)", {"x": x, "y": y}, tf.math.multiply_no_nan)
    for type in INTS:
        x, y = array(type, np.arange(1, 13, 2), (1, 3, 2)), array(type, np.arange(1, 7), (1, 3, 2))
        test = f"test{'Uint' if type[0] == 'u' else 'Int'}{type[1:]}Basic"
        each(test, x, y)
        floored(test, x, y)
        if type[0] == "i":
            floored(test, array(type, -x), y)
            floored(test, x, array(type, -y))
            floored(test, array(type, -x), array(type, -y))
    x, y = array("i64", np.arange(1 << 40, 13 << 40, 2 << 40), (1, 3, 2)), array("i64", np.arange(1, 7), (1, 3, 2))
    each("testInt64Basic", x, y)
    floored("testInt64Basic", x, y)
    x, y = array("i32", [[1, 2], [3, 4]]), array("i32", [[1], [2]])
    each("testFloatVariableOverload", x, y)
    for i, (xs, ys) in enumerate(BROADCASTS + MORE):
        type = ("f32", "i32", "f64", "i64")[i % 4]
        x = array(type, 1 + np.linspace(0, 5, np.prod(xs)), xs)
        y = array(type, 1 + np.linspace(0, 5, np.prod(ys)), ys)
        for a, b in ((x, y), (y, x)):
            each(f"testBCast_{i}", a, b)
            if type[0] == "i":
                floored(f"testBCast_{i}D", a, b, False)
            else:
                s.same(f"BinaryOpTest.testBCast_{i}D", "x / y", {"x": a, "y": b}, tf.math.truediv, np.true_divide)
    for sign, name in ARITHMETIC.items():
        inputs = {"x": array("f32", [10, 20, 30]), "y": array("f32", [[40, 50], [60, 70]])}
        s.fails("BinaryOpTest.testMismatchedDimensions", f"x {sign} y", inputs, getattr(tf.math, name))
    for type in ("i8", "i16", "i32", "i64"):
        inputs = {"x": array(type, [5, -5, 0]), "y": array(type, [0, 0, 0])}
        for sign, function in (("//", tf.math.floordiv), ("%", tf.math.floormod)):
            s.differs("integer_division_by_zero", "ZeroDivisionTest.testZeros", f"x {sign} y", inputs, function,
                      np.zeros(3, DTYPE[type]))
    return s


def suites():
    return [boolean_mask(), where(), select(), compare(), logical(), cast(), sequence_mask(), bitwise(), clip(), arithmetic()]
