"""TensorFlow's tests of reductions: their inputs and situations."""

import itertools

import numpy as np
import tensorflow as tf

from case import DTYPE, FLOATS, Suite, array, small_random, type_of
from np_reductions import options

rng = np.random.RandomState(1618)
AXES = [None, 0, 1, 2, (0, 1), (1, 2), (0, 2), (0, 1, 2)]
REDUCE = {"sum": tf.reduce_sum, "prod": tf.reduce_prod, "mean": tf.reduce_mean, "min": tf.reduce_min, "max": tf.reduce_max,
          "any": tf.reduce_any, "all": tf.reduce_all}


def incremental(shape, type):
    return array(type, np.arange(np.prod(shape)), shape)


def reduce():
    s = Suite("tensorflow", "tf_reduce", "TensorFlow's tests of reduce_sum, reduce_prod, reduce_mean, reduce_min, reduce_max, "
              "reduce_any, reduce_all, count_nonzero.")

    def reduced(test, name, x, axis=None, keepdims=False):
        text = f"{name}(x{options(axis, keepdims)})"
        if name == "count":
            s.same(test, text, {"x": x}, lambda x: tf.math.count_nonzero(x, axis, keepdims))
            return
        function = lambda x: REDUCE[name](x, axis, keepdims)
        if name in ("sum", "prod", "mean") and type_of(x) in FLOATS:
            s.near(test, text, {"x": x}, function, x, None, axis, keepdims, mean=name == "mean", product=name == "prod")
        elif name in ("sum", "prod") and type_of(x) not in ("i64", "u64"):
            wide = tf.int64 if type_of(x)[0] == "i" else tf.uint64
            s.same(test, text, {"x": x}, lambda x: REDUCE[name](tf.cast(x, wide), axis, keepdims))
        else:
            s.same(test, text, {"x": x}, function)

    for type, name in (("f32", "min"), ("f64", "min"), ("i64", "max"), ("f32", "max"), ("bf16", "max"), ("i32", "sum"), ("f32", "sum"),
                       ("f16", "sum"), ("bf16", "sum"), ("f64", "mean"), ("f32", "mean"), ("bool", "all"), ("bool", "any"),
                       ("f32", "prod"), ("i32", "prod")):
        test = f"{name.title()}ReductionTest.test{type.upper()}Reduce3D"
        x = array(type, np.arange(-31, -1) if name == "max" else np.arange(1, 31), (2, 3, 5))
        if type == "bool":
            x = rng.uniform(0, 1, (2, 3, 5)) > (0.1 if name == "all" else 0.9)
        if name == "prod":
            x = array(type, np.arange(1, 31) % 3 + 1, (2, 3, 5))
        whole = (name, type) in (("min", "f32"), ("max", "i64"), ("sum", "f32"), ("all", "bool"))
        for axis in AXES if whole else [1, (0, 2)]:
            reduced(test, name, x, axis)
            if axis == 1 or whole and axis in (None, (0, 2)):
                reduced(test, name, x, axis, True)
    for name, type, size in itertools.product(("min", "max"), ("f32", "f64"), (1, 2, 3)):
        for values in itertools.product([-np.inf, 1.0, np.nan, np.inf], repeat=size):
            reduced(f"{name.title()}ReductionTest.testSpecialValues", name, array(type, values))
    for x, y, type in itertools.product((-np.inf, np.inf), (-np.inf, np.inf), ("f32", "f64")):
        reduced("SumReductionTest.testInfinity", "sum", array(type, [x, y]))
        reduced("ProdReductionTest.testInfinity", "prod", array(type, [x, y]))
    for rank in (2, 5):
        for type in ("i32", "f16", "bf16", "f32", "f64"):
            x = incremental((2,) * rank, type)
            reduced(f"SumReductionTest.test{type.upper()}", "sum", x, rank - 1 if rank % 2 else None)
    for sizes in itertools.product((1, 3, 16), (1, 16, 33), (1, 3, 33)):
        ones = np.ones(sizes, np.float32)
        reduced("SumReductionTest.testFloat32", "sum", ones, 1)
        reduced("SumReductionTest.testFloat32", "sum", ones, (0, 2))
    for axis in (-3, 2, (0, 2)):
        s.fails("SumReductionTest.testInvalidIndex", f"sum(x{options(axis)})", {"x": incremental((2, 5), "f32")},
                lambda x: tf.reduce_sum(x, axis), "bad argument")
    s.fails("SumReductionTest.testInvalidRepeatedReductionIndices", "sum(x, axis=(0, 0))", {"x": array("f32", [1, 2])},
            lambda x: tf.reduce_sum(x, tf.constant([0, 0])), "bad argument")
    reduced("SumReductionTest.testPartialShapes", "sum", array("f64", rng.randn(3, 3, 3)), (1, 2))
    for _ in range(8):
        rank = rng.randint(4, 9)
        axes = tuple(int(i) for i in np.flatnonzero(rng.randint(2, size=rank)))
        shape = tuple(rng.randint(1, 4, size=rank))
        if axes:
            reduced("SumReductionTest.testHighRank", "sum", array("i64", rng.randint(1024, size=np.prod(shape)), shape), axes)
    for name, type in itertools.product(("sum", "prod", "mean"), ("f32", "f64")):
        reduced(f"{name.title()}ReductionTest.testExpand", name, np.zeros((5, 0), DTYPE[type]), 1)
        reduced(f"{name.title()}ReductionTest.testDegenerate", name, np.zeros((0, 98), DTYPE[type]), 0)
    for name in ("any", "all"):
        reduced(f"{name.title()}ReductionTest.testEmpty", name, np.zeros(0, bool))
        reduced(f"{name.title()}ReductionTest.testEmpty", name, np.zeros((0, 5), bool), 0)
    count(reduced)
    return s


def count(reduced):
    test = "CountNonzeroReductionTest.test"
    x = array("bool", [0, 0, 1, 0, 0, 1])
    for keepdims in (False, True):
        reduced(test + "BoolReduce1D", "count", x, None, keepdims)
        reduced(test + "BoolReduce1D", "count", x, 0, keepdims)
        reduced(test + "FloatReduce1D", "count", array("f32", [0, 1, -1, 0, 0, 3]), 0, keepdims)
    x = array("f32", np.floor(np.arange(210.0) / 100), (2, 3, 5, 7))
    for i, axis in enumerate((None, 0, 1, 2, (0, 1), (1, 2), (0, 1, 2), (1, 2, 3), (0, 1, 2, 3))):
        reduced(test + "FloatReduce4D", "count", x, axis, i % 2 == 0)
    reduced(test + "Expand", "count", np.zeros((5, 0)), 1)
    reduced(test + "Degenerate", "count", np.zeros((0, 9938), bool), 0)


def arg():
    s = Suite("tensorflow", "tf_arg", "TensorFlow's ArgMaxTest.")
    functions = {"argmin": tf.argmin, "argmax": tf.argmax}

    def place(test, x, axis):
        for name, function in functions.items():
            s.same("ArgMaxTest." + test, f"{name}(x{options(axis)})", {"x": x}, lambda x: function(x, axis=axis),
                   lambda x: np.asarray(getattr(np, name)(x, axis=axis)).astype(np.int64))

    for type in ("f16", "f32", "f64", "i16", "i32", "i64", "bool", "bf16", "u8"):
        shuffled = np.arange(200)
        rng.shuffle(shuffled)
        place("testTypes", array(type, shuffled), 0)
        place("testTypes", np.zeros(200, DTYPE[type]), 0)
        place("testTypes", array(type, [[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]]), 1)
    for type, axis in itertools.product(("f32", "i16"), (0, 3, 6, -1, -4)):
        place("testTypes", small_random(type, (3, 2, 4, 5, 6, 3, 7), 5), axis)
    place("testFloatInt32Output", array("f32", 100 * rng.randn(200)), 0)
    for name, function in functions.items():
        s.fails("ArgMaxTest.testEmpty", f"{name}(x, axis=0)", {"x": np.zeros(0, np.float32)}, lambda x: function(x, axis=0), "error")
    place("testDefaultAxis", array("i32", [1]), 0)
    place("testOutputEmpty", np.zeros((1, 0, 2), np.float32), -1)
    return s


def suites():
    return [reduce(), arg()]
