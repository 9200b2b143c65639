"""Where the language differs from a library on purpose; docs/differences.md has a row for each."""

import numpy as np
import tensorflow as tf

from case import DTYPE, INTS, Error, Near, Suite, array, exact_sum


def saturated(x, target):
    """What the language says of a cast to an integer type."""
    info = np.iinfo(DTYPE[target])
    values = [0 if v != v else info.max if v == np.inf else info.min if v == -np.inf else max(info.min, min(info.max, int(v)))
              for v in x.astype(np.float64)]
    return np.array(values, DTYPE[target])


def suites():
    n = Suite("numpy", "differences", "Where the language differs on purpose from NumPy or TensorFlow.")
    t = Suite("tensorflow", "differences", "")
    t.file = n.file
    types(n, t)
    values(n, t)
    reductions(n, t)
    return [n]


def types(n, t):
    i, f, u = array("i32", [1, 2]), array("f64", [1, 2]), array("u8", [1, 2])
    for text, x, y, function in (("x + y", i, f, np.add), ("x < y", i, f, np.less), ("x == y", u, i, np.equal),
                                 ("x + y", array("f32", [1]), f, np.add), ("x & y", u, i, np.bitwise_and)):
        n.differs("promotion", "NEP50", text, {"x": x, "y": y}, function, Error("type error"))
    n.differs("promotion", "NEP50", "x + 1.5", {"x": i}, lambda x: x + 1.5, Error("type error"))
    for text, function in (("x + y", np.add), ("x * y", np.multiply), ("maximum(x, y)", np.maximum)):
        b = array("bool", [True, False])
        n.differs("bool_arithmetic", "TestBool", text, {"x": b, "y": b}, function, Error("type error"))
    n.differs("bool_arithmetic", "TestBool", "x < y", {"x": array("bool", [True]), "y": array("bool", [False])}, np.less, Error("type error"))
    n.differs("integer_true_divide", "TestDivision", "x / y", {"x": i, "y": i}, np.true_divide, Error("type error"))
    n.differs("float_floor_divide", "TestDivision", "x // y", {"x": f, "y": f}, np.floor_divide, Error("type error"))
    n.differs("integer_rounding", "TestRoundingFunctions", "floor(x)", {"x": i}, np.floor, Error("type error"))
    n.differs("numbers_as_masks", "TestWhere", "where(c, 1, 0)", {"c": i}, lambda c: np.where(c, 1, 0), Error("type error"))
    n.differs("numbers_as_masks", "TestBoolean", "c && c", {"c": i}, lambda c: np.logical_and(c, c), Error("type error"))
    c = array("bool", [1, 0])
    n.same("TestWhere.literals", "where(c, 1, 0)", {"c": c}, lambda c: np.where(c, 1, 0))
    n.same("TestWhere.literals", "where(c, 1.0, 0)", {"c": c}, lambda c: np.where(c, 1.0, 0))
    t.differs("literal_types", "SelectOpTest", "where(c, 1, 0)", {"c": c}, lambda c: tf.where(c, 1, 0), array("i64", [1, 0]))
    t.differs("literal_types", "SelectOpTest", "where(c, 1.0, 0.0)", {"c": c}, lambda c: tf.where(c, 1.0, 0.0), array("f64", [1, 0]))


def values(n, t):
    edges = [np.nan, np.inf, -np.inf, 3e9, -3e9, 1e20, -1.5, 300.7]
    for source in ("f32", "f64"):
        x = array(source, edges)
        for target in ("i8", "u8", "i32", "u32", "i64", "u64"):
            n.perhaps("cast_out_of_range", "TestCasting", f"{target}(x)", {"x": x}, lambda x: x.astype(DTYPE[target]), saturated(x, target))
        t.differs("cast_out_of_range", "CastOpTest", "i32(x)", {"x": x}, lambda x: tf.cast(x, tf.int32), saturated(x, "i32"))
    # Halfway between two f16, and a little more: rounding to f32 first loses the little.
    more = array("f64", [1 + 2.0**-11 + 2.0**-40, -1 - 3 * 2.0**-11 - 2.0**-41, 2.0**-25 + 2.0**-60])
    once = array("f16", [1 + 2.0**-10, -1 - 2 * 2.0**-10, 2.0**-24])
    n.same("TestHalf.rounds_once", "f16(x)", {"x": more}, lambda x: x.astype(np.float16))
    t.differs("double_rounding", "CastOpTest", "f16(x)", {"x": more}, lambda x: tf.cast(x, tf.float16), once)
    more = array("f64", [1 + 2.0**-8 + 2.0**-40, -1 - 3 * 2.0**-8 - 2.0**-41])
    once = array("bf16", [1 + 2.0**-7, -1 - 2 * 2.0**-7])
    n.differs("double_rounding", "ml_dtypes", "bf16(x)", {"x": more}, lambda x: x.astype(DTYPE["bf16"]), once)
    t.differs("double_rounding", "CastOpTest", "bf16(x)", {"x": more}, lambda x: tf.cast(x, tf.bfloat16), once)
    odd = np.array([0, 1, 2, 128, 255], np.uint8).view(bool)
    true = array("bool", [0, 1, 1, 1, 1])
    n.perhaps("bool_bytes", "TestBool", "x == y", {"x": odd, "y": true}, np.equal, np.ones(5, bool))
    n.perhaps("bool_bytes", "TestBool", "u8(x)", {"x": odd}, lambda x: x.astype(np.uint8), array("u8", true))
    n.perhaps("bool_bytes", "TestBool", "where(true, x, y)", {"x": odd, "y": true}, lambda x, y: np.where(True, x, y), true)
    for type in ("f32", "f64"):
        inf = {"x": array(type, [np.inf, np.nan, -1.0]), "m": array("bool", [0, 0, 1])}
        n.same("TestMultiply.inf", f"x * {type}(m)", inf, lambda x, m: x * m.astype(x.dtype))
        zeros = {"x": array(type, [0.0, -0.0]), "y": array(type, [-0.0, 0.0])}
        for name, want in (("minimum", [-0.0, -0.0]), ("maximum", [0.0, 0.0])):
            n.perhaps("minimum_of_zeros", "TestMinimum.zeros", f"{name}(x, y)", zeros, getattr(np, name), array(type, want))
    for type in INTS[:4]:
        least = np.iinfo(DTYPE[type]).min
        n.same("TestDivision.least", "x // y", {"x": array(type, [least]), "y": array(type, [-1])}, np.floor_divide)
        n.same("TestDivision.zero", "x // y", {"x": array(type, [5, least]), "y": array(type, [0, 0])}, np.floor_divide)
        n.same("TestDivision.zero", "x % y", {"x": array(type, [5, least]), "y": array(type, [0, 0])}, np.remainder)
    for width, type in ((8, "i8"), (32, "i32"), (64, "i64")):
        x, y = array(type, [1, -1, 100]), array(type, [-2, -1, -100])
        n.same("TestShift.negative_counts", "x << y", {"x": x, "y": y}, np.left_shift)
        n.same("TestShift.negative_counts", "x >> y", {"x": x, "y": y}, np.right_shift)


def reductions(n, t):
    x = array("i32", [2**31 - 1, 1])
    t.differs("sum_type", "SumReductionTest", "sum(x)", {"x": x}, tf.reduce_sum, np.array(2**31))
    t.differs("sum_type", "SumReductionTest", "prod(x)", {"x": array("u8", [200, 2])}, tf.reduce_prod, array("u64", 400))
    t.differs("mean_of_integers", "MeanReductionTest", "mean(x)", {"x": array("i32", [1, 2])}, tf.reduce_mean, np.array(1.5))
    for name, function in (("min", tf.reduce_min), ("max", tf.reduce_max)):
        t.differs("empty_minimum", f"{name.title()}ReductionTest", f"{name}(x)", {"x": np.zeros(0, np.float32)}, function, Error("error"))
        t.differs("empty_minimum", f"{name.title()}ReductionTest", f"{name}(x, axis=0)", {"x": np.zeros((0, 3), np.int32)},
                  lambda x: function(x, 0), Error("error"))
        n.differs("where_needs_initial", "TestUfunc", f"{name}(x, where=m)", {"x": np.ones(3), "m": np.ones(3, bool)},
                  lambda x, m: getattr(np, name)(x, where=m), np.array(1.0))
    for type in ("f32", "f64"):
        zeros = [array(type, [0.0, -0.0, 0.0]), array(type, [-0.0, 0.0, -0.0])]
        for z in zeros:
            for name, want in (("min", -0.0), ("max", 0.0)):
                n.perhaps("minimum_of_zeros", "TestMinMax.zeros", f"{name}(x)", {"x": z}, getattr(np, name), array(type, want))
        n.same("TestUfunc.minus_zero", "sum(x)", {"x": array(type, [-0.0, -0.0])}, np.sum)
        nan = array(type, [3, np.nan, 1, 5])
        for name, function in (("argmin", tf.argmin), ("argmax", tf.argmax)):
            t.perhaps("argmin_of_nan", "ArgMaxTest.nan", f"{name}(x)", {"x": nan}, function, np.array(1))
        noise = array(type, np.random.RandomState(5).normal(size=333) * 100)
        exact, bound = exact_sum(noise, None, False, True, None, False)
        n.differs("sum_order", "TestUfunc", "sum(x)", {"x": noise}, np.sum, Near(type, exact, bound))
    m = array("bool", [1, 0, 1])
    n.fails("TestUfunc.where_enlarges", "sum(x, where=m)", {"x": array("i64", [1]), "m": m}, lambda x, m: np.sum(x, where=m))
    n.differs("no_axes", "TestNonzero", "count(x, axis=())", {"x": array("i64", [[0, 2]])}, lambda x: np.count_nonzero(x, axis=()), Error("error"))
    n.differs("compress_past_end", "TestMethods", "compress(c, t, axis=1)", {"c": array("bool", [0, 0, 1]), "t": np.zeros((0, 2))},
              lambda c, t: np.compress(c, t, axis=1), Error("shape error"))
    n.differs("compress_axis", "TestMethods", "compress(c, t)", {"c": array("bool", [0, 1]), "t": array("i64", [[1, 2], [3, 4]])}, np.compress, Error("error"))
    n.differs("compress_condition", "TestMethods", "compress(c, t, axis=0)", {"c": array("i64", [0, 1]), "t": array("i64", [[1, 2], [3, 4]])},
              lambda c, t: np.compress(c, t, axis=0), Error("type error"))
