"""NumPy's tests of nonzero, where, comparisons, logic, integers and rounding: their inputs and situations."""

import itertools

import numpy as np

from case import DTYPE, FLOATS, INTS, Error, Suite, array, small_random

rng = np.random.RandomState(1234)
COMPARISONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal}
WIDE = ["f32", "f64"]


def nonzero():
    s = Suite("numpy", "np_nonzero", "NumPy's TestNonzero.")

    def places(test, c, text="where(c)"):
        s.same("TestNonzero." + test, text, {"c": c}, lambda c: np.transpose(np.nonzero(c)).astype(np.int64))

    for values in ([], [0], [1]):
        for type in ("f64", "bool", "i64"):
            places("test_nonzero_trivial", array(type, values))
    for v in (0, 1):
        s.fails("TestNonzero.test_nonzero_zerodim", "where(c)", {"c": array("i64", v)}, np.nonzero, "error")
    x = [1, 0, 2, -1, 0, 0, 8]
    for type in INTS[:4] + FLOATS:
        places("test_nonzero_onedim", array(type, x), "nonzero(c)")
    columns = np.array([(1, 2, -5, -3), (0, 0, 2, 7), (1, 1, 0, 1), (-1, 3, 1, 0), (0, 7, 0, 4)]).T
    for column, type in zip(columns, ("i32", "i16", "i8", "i64")):
        places("test_nonzero_onedim", array(type, column))
    for values in ([[0, 1, 0], [2, 0, 3]], np.eye(3), [[0, 0, 1], [1, 1, 0], [0, 1, 0]]):
        for type in ("i8", "i16", "i32", "i64", "f32", "u8"):
            places("test_nonzero_twodim", array(type, values))
            places("test_nonzero_twodim", np.ascontiguousarray(array(type, values).T))
    for i in range(20):
        c = np.zeros(200, bool)
        c[i::20] = True
        places("test_sparse", c)
        c = np.zeros(400, bool)
        c[10 + i : 20 + i] = c[20 + i * 2] = True
        places("test_sparse", c)
    for type in ["bool"] + INTS + FLOATS:
        x = small_random(type, (100,), 10)
        places("test_nonzero_float_dtypes" if type in FLOATS else "test_nonzero_integer_dtypes", x)
        x = array(type, np.where(np.arange(100) % 7 < 3, x, 0))
        places("test_nonzero_integer_dtypes", x)
    for shape in ((2,), (2, 3), (2, 3, 4)):
        places("test_return_type", array("i64", np.arange(np.prod(shape)), shape))
    places("test_array_method", array("i64", [[1, 0, 0], [4, 0, 6]]))
    for v in (0.0, -0.0, 1.0, np.nan, np.inf):
        for type in FLOATS:
            places("test_nonzero_byteorder", array(type, [v]))
    places("test_nonzero_byteorder", array("f16", [0, 12.3]))
    places("test_largedim", small_random("f64", (10, 2, 3, 4, 5, 6), 2))
    places("test_largedim", small_random("bool", (10, 2, 3, 4, 5, 6), 3))
    return s


def where():
    s = Suite("numpy", "np_where", "NumPy's TestWhere.")
    three = "where(c, x, y)"

    def choose(test, c, x, y, text=three):
        s.same("TestWhere." + test, text, {"c": c, "x": x, "y": y}, np.where, exact=True)

    for type in ["bool", "i16", "i32", "i64", "f64", "u8", "f16", "f32"]:
        c = np.ones(53, bool)
        zero, one = array(type, 0), array(type, 1)
        for cond in (c, ~c, np.array(True), np.array(False)):
            choose("test_basic", cond, zero, one)
        d, e = np.ones(53, DTYPE[type]), np.zeros(53, DTYPE[type])
        c[7] = False
        choose("test_basic", c, e, e)
        choose("test_basic", c, d, e)
        choose("test_basic", c, d, e[0:1].reshape(()))
        choose("test_basic", c, d[0:1].reshape(()), e)
        for cut in (slice(None, None, 2), slice(1, None, 2), slice(None, None, 3), slice(1, None, 3), slice(None, None, -2),
                    slice(None, None, -3), slice(1, None, -3)):
            choose("test_basic", c[cut].copy(), d[cut].copy(), e[cut].copy())
    m = np.zeros((0, 3), bool)
    s.same("TestWhere.test_exotic", "where(m, 0, b)", {"m": m, "b": np.zeros((0, 3))}, lambda m, b: np.where(m, 0, b))
    d = array("f64", [-1.34, -0.16, -0.54, -0.31, -0.08, -0.95, 0, 0.313, 0.547, -0.18, 0.876, 0.236, 1.969, 0.31, 0.699, 1.013])
    m = array("bool", [0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1])
    e = np.where(np.arange(16) % 3 == 0, np.nan, d[::-1])
    for cond in (m, ~m):
        choose("test_exotic", cond, d, e)
    for type in WIDE:
        for text, v in (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf)):
            for flag in (True, False):
                s.same("TestWhere.test_exotic", f"where(c, d, {text})", {"c": np.array(flag), "d": array(type, [1, 2])},
                       lambda c, d: np.where(c, d, v))
    a, b = np.zeros((2, 25)), np.ones((2, 25))
    choose("test_ndim", array("bool", [[True], [False]]), a, b)
    choose("test_ndim", array("bool", [True, False]), a.T.copy(), b.T.copy())
    c = array("bool", [0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0])
    b = array("f64", [5, 0, 3, 2, -1, -4, 0, -10, 10, 1, 0, 3])
    s.same("TestWhere.test_dtype_mix", "where(c, f64(a), b)", {"c": c, "a": array("u32", 1), "b": b}, np.where)
    s.same("TestWhere.test_dtype_mix", "where(c, f64(a), f64(b))", {"c": c, "a": array("f32", 1), "b": array("i64", b)}, np.where)
    weights = np.where(c, 34242324, 0)
    s.same("TestWhere.test_dtype_mix", "where(c != 0, f64(a), b)", {"c": weights, "a": array("u32", 1), "b": b}, np.where)
    s.same("TestWhere.test_dtype_mix", "where(c != 0, b, f64(a))", {"c": np.where(c, 0, 41247212), "b": b, "a": array("u32", 1)},
           np.where)
    s.differs("promotion", "TestWhere.test_dtype_mix", three, {"c": c, "x": array("u32", 1), "y": b}, np.where, Error("type error"))
    a = np.ones((4, 5))
    s.fails("TestWhere.test_error", three, {"c": array("bool", [True, True]), "x": a, "y": a}, np.where)
    s.fails("TestWhere.test_error", three, {"c": np.array(True), "x": a, "y": np.ones((5, 5))}, np.where)
    for text in ("where(c, a, 1000)", "where(c, 1000, a)"):
        s.differs("literal_overflow", "TestWhere.test_scalar_overflow", text, {"c": array("bool", [True]), "a": array("u8", [1])},
                  lambda c, a: np.where(c, a, 1000), Error("literal error"))
    s.same("TestWhere.test_empty_result", "where(x == 99)", {"x": np.zeros((1, 1))}, lambda x: np.argwhere(x == 99))
    # Bools as bytes: every value but 0 is true, as in NumPy's test of copyto.
    for byte in (0xFF, 0x7F, 0x02, 0x10, 0x80):
        for i in range(0, 512, 37):
            mask = ((i >> np.arange(9) & 1) * byte).astype(np.uint8).view(bool)
            s.same("test_copyto_permute", "where(m, d, r)", {"m": mask, "d": np.ones(9), "r": np.zeros(9)},
                   lambda m, d, r: np.where(m.view(np.uint8) != 0, d, r), exact=True)
    return s


def compare():
    s = Suite("numpy", "np_compare", "NumPy's TestBoolCmp and TestBoolArray.")
    for type, size in (("f32", 256), ("f64", 128), ("f16", 256), ("bf16", 256)):
        width = size // 32
        blocks = np.arange(size // 8)[:, None] & 1 << np.arange(width)
        f = array(type, blocks.reshape(-1)[:size])
        e = f != 0
        nan, mixed, sign = f.copy(), f.copy(), f.copy()
        nan[e] = np.nan
        for start, v in enumerate((np.inf, -np.inf, np.nan)):
            mixed[start::3][e[start::3]] = v
        sign[e] = -sign[e]
        sign[1::6][e[1::6]] = -np.inf
        sign[3::6][e[3::6]] = -np.nan
        sign[4::6][e[4::6]] = -0.0
        test = "TestBoolCmp.test_" + {"f32": "float", "f64": "double"}.get(type, type)
        for a in (f, mixed, sign, f[1:].copy(), f[3:].copy()):
            for op, function in COMPARISONS.items():
                s.same(test, f"f {op} 0", {"f": a}, lambda f: function(f, DTYPE[type](0)))
            s.same(test, "f - 1 >= 0", {"f": a}, lambda f: (f - DTYPE[type](1)) >= 0)
            s.same(test, "-f < 0", {"f": a}, lambda f: -f < 0)
            s.same(test, "-f + 1 <= 0", {"f": a}, lambda f: -f + DTYPE[type](1) <= 0)
            s.same(test, "0 != f", {"f": a}, lambda f: 0 != f)
        for a in (nan, mixed, sign):
            for name, function in (("is_nan", np.isnan), ("is_finite", np.isfinite), ("is_inf", np.isinf)):
                s.same(test, f"{name}(f)", {"f": a}, function)
    t = np.ones(40, bool)
    f, nm, im = ~t, ~t, t.copy()
    nm[[3, -2]], im[[3, -2]] = True, False
    logic = {"&": np.logical_and, "|": np.logical_or, "^": np.logical_xor}
    for (op, function), a, b in itertools.product(logic.items(), (t, f, nm, im), (t, f, nm, im)):
        s.same("TestBoolArray.test_logical_and_or_xor", f"a {op} b", {"a": a, "b": b}, function)
    for (op, function), a, v in itertools.product(logic.items(), (nm, im), (True, False)):
        s.same("TestBoolArray.test_logical_and_or_xor", f"a {op} {str(v).lower()}", {"a": a}, lambda a: function(a, v))
    for a in (t, f, nm, im):
        s.same("TestBoolArray.test_logical_not_abs", "~a", {"a": a}, np.logical_not)
        s.same("TestBoolArray.test_logical_not_abs", "!a", {"a": a}, np.logical_not)
    for byte, a in itertools.product((2, 0x80, 0xFF), (nm, im)):
        odd = (a.view(np.uint8) * np.uint8(byte)).view(bool)
        for op, function in logic.items():
            s.same("TestBoolArray.bool_bytes", f"a {op} b", {"a": odd, "b": im}, lambda a, b: function(a.view(np.uint8) != 0, b))
        s.same("TestBoolArray.bool_bytes", "a == b", {"a": odd, "b": a}, lambda a, b: (a.view(np.uint8) != 0) == b)
    # TestComparisons of integers at the ends of the types, against literals outside them.
    for type in INTS:
        info = np.iinfo(DTYPE[type])
        x = array(type, [info.min, info.min + 1, 0, 1, info.max - 1, info.max])
        for (op, function), v in itertools.product(COMPARISONS.items(), (int(info.min) - 1, int(info.max) + 1, -1)):
            if -(2**63) <= v < 2**64:
                s.same("TestComparisons.test_large_integer_direct_comparison", f"x {op} {v}", {"x": x}, lambda x: function(x, v))
    return s


def integers():
    s = Suite("numpy", "np_integer", "NumPy's TestDivision, TestRemainder, TestBitwiseUFuncs.")
    div, mod = np.floor_divide, np.remainder
    x = array("i64", [5, 10, 90, 100, -5, -10, -90, -100, -120])
    for type in ("i64", "i32", "i16", "i8"):
        s.same("TestDivision.test_division_int", "x // 100", {"x": array(type, x)}, lambda x: x // 100)
        s.same("TestDivision.test_division_int", "x % 100", {"x": array(type, x)}, lambda x: x % 100)
    s.same("TestDivision.test_division_int", "f64(x) / 100", {"x": x}, lambda x: x / 100)
    for type in INTS:
        info = np.iinfo(DTYPE[type])
        lo, hi, n = int(info.min), int(info.max), 41
        pairs = [(np.array([hi - n + i for i in range(n)], DTYPE[type]), array(type, np.arange(n))),
                 (np.array([lo + i for i in range(n)], DTYPE[type]), array(type, np.arange(n // -2, n // -2 + n)))]
        for a, b in pairs:
            s.same("TestDivision.test_division_int_boundary", "a // b", {"a": a, "b": b}, div)
            s.same("TestDivision.test_division_int_boundary", "a % b", {"a": a, "b": b}, mod)
            for v in [0, 1, 3, 13, lo + 1, lo // 2, hi // 3, hi // 4, hi] + ([-1, lo] if lo else []):
                if v in (lo // 2, lo + 1) and not lo:
                    continue
                s.same("TestDivision.test_division_int_boundary", f"a // ({v})", {"a": a}, lambda a: div(a, DTYPE[type](v)))
        zeros, ones = array(type, [0]), np.array([-1]).astype(DTYPE[type])
        s.same("TestBitwiseUFuncs.test_values", "~a", {"a": zeros}, np.bitwise_not)
        s.same("TestBitwiseUFuncs.test_values", "~a", {"a": ones}, np.bitwise_not)
        for a, b in itertools.product((zeros, ones), repeat=2):
            for op, function in (("|", np.bitwise_or), ("^", np.bitwise_xor), ("&", np.bitwise_and)):
                s.same("TestBitwiseUFuncs.test_values", f"a {op} b", {"a": a, "b": b}, function)
        width = 8 * np.dtype(DTYPE[type]).itemsize
        a = array(type, [1, 5, 77, hi, hi // 3, lo])[:, None]
        b = array(type, [0, 1, width - 1, width, min(width + 1, hi), 100, hi])
        s.same("TestShift.large_counts", "a << b", {"a": a, "b": b}, np.left_shift)
        s.same("TestShift.large_counts", "a >> b", {"a": a, "b": b}, np.right_shift)
        edge = array(type, [lo, lo + 1, 0, 1, hi - 1, hi])
        for op, function in (("+", np.add), ("-", np.subtract), ("*", np.multiply)):
            s.same("TestIntegers.wrap", f"a {op} b", {"a": edge[:, None], "b": edge}, function)
        s.same("TestAbsoluteNegative.ends", "-a", {"a": edge}, np.negative)
        s.same("TestAbsoluteNegative.ends", "abs(a)", {"a": edge}, np.abs)
        s.same("TestMinimum.ends", "minimum(a, b)", {"a": edge[:, None], "b": edge}, np.minimum)
        s.same("TestMaximum.ends", "maximum(a, b)", {"a": edge[:, None], "b": edge}, np.maximum)
    for sign_a, sign_b in itertools.product((1, -1), repeat=2):
        a, b = array("i32", sign_a * np.array([71, 7, 0])), array("i32", [sign_b * 19])
        s.same("TestRemainder.test_remainder_basic", "a // b", {"a": a, "b": b}, div)
        s.same("TestRemainder.test_remainder_basic", "a % b", {"a": a, "b": b}, mod)
    return s


SPECIAL = [-1.7, -1.5, -0.2, 0.2, 1.5, 1.7, 2.0, 2.5, -2.5, 0.5, -0.5, 0.0, -0.0, np.nan, np.inf, -np.inf]


def floats():
    s = Suite("numpy", "np_float", "NumPy's TestMaximum, TestMinimum, TestAbsoluteNegative, TestRoundingFunctions, TestClip.")
    arr1 = [-4.0, 1.0, 10.0, 0.0, np.nan, -np.nan, np.inf, -np.inf]
    arr2 = [-2.0, -1.0, np.nan, 1.0, 0.0, np.nan, 1.0, -3.0]
    for type in FLOATS:
        pairs = [([0, np.nan, np.nan], [np.nan, 0, np.nan]), (arr1, arr2), (arr1[:4], arr2[::2]), (arr1[:6:2], arr2[::3])]
        for x, y in pairs:
            inputs = {"x": array(type, x), "y": array(type, y)}
            s.same("TestMaximum.test_strided_array", "maximum(x, y)", inputs, np.maximum)
            s.same("TestMinimum.test_strided_array", "minimum(x, y)", inputs, np.minimum)
        tenth = array(type, 0.1)
        if type != "bf16":
            info = np.finfo(DTYPE[type])
            v1 = array(type, [info.min, info.max, info.max, info.min, tenth, info.max, info.min])
            v2 = array(type, [-np.inf, -np.inf, np.inf, np.inf, np.nextafter(tenth, DTYPE[type](np.inf)), np.nan, np.nan])
            s.same("TestMaximum.test_precision", "maximum(x, y)", {"x": v1, "y": v2}, np.maximum)
            s.same("TestMinimum.test_precision", "minimum(x, y)", {"x": v1, "y": v2}, np.minimum)
        zeros = {"x": array(type, [0.0, -0.0, 0.0, -0.0]), "y": array(type, [-0.0, 0.0, 0.0, -0.0])}
        least, most = array(type, [-0.0, -0.0, 0.0, -0.0]), array(type, [0.0, 0.0, 0.0, -0.0])
        for name, want in (("minimum", least), ("maximum", most)):
            s.perhaps("minimum_of_zeros", f"Test{name.title()}.zeros", f"{name}(x, y)", zeros, getattr(np, name), want)
        for n, v in itertools.product((5, 11), (np.nan, -np.inf, np.inf)):
            for i in range(0, n, 3):
                inp = array(type, -np.arange(float(n)))
                inp[i] = v
                s.same("TestAbsoluteNegative.test_abs_neg_blocked", "abs(x)", {"x": inp}, np.abs)
                s.same("TestAbsoluteNegative.test_abs_neg_blocked", "-x", {"x": inp}, np.negative)
        data = array(type, [-1, 1, -0.0, 0, 2.2251e-308, -2.5, 2.5, -6, 6, -2.2251e-308, -8, 10])
        s.same("TestAbsoluteNegative.test_noncontiguous", "-x", {"x": data}, np.negative)
        s.same("TestAbsoluteNegative.test_noncontiguous", "-x", {"x": np.repeat(data, 10)}, np.negative)
        x = array(type, SPECIAL)
        for name in ("floor", "ceil", "rint", "trunc"):
            s.same("TestRoundingFunctions", f"{name}(x)", {"x": x}, getattr(np, name))
        s.same("TestSqrt", "sqrt(x)", {"x": x}, np.sqrt)
        for size in range(1, 32, 6):
            inp = array(type, rng.uniform(-100, 100, size))
            for name in ("sqrt", "floor", "ceil", "rint", "trunc", "abs"):
                s.same("TestAVXUfuncs.test_avx_based_ufunc", f"{name}(x)", {"x": inp}, getattr(np, name))
    for type in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64"):
        s.same("TestClip.test_ones_pathological", "clip(x, 1, 0)", {"x": np.ones(10, DTYPE[type])}, lambda x: np.clip(x, 1, 0))
    a = rng.randn(5, 3)
    s.same("TestClip.test_simple_double", "clip(x, 0.1, 0.6)", {"x": a}, lambda x: x.clip(0.1, 0.6))
    s.same("TestClip.test_array_double", "clip(x, lo, hi)", {"x": a, "lo": a * 0, "hi": a * 0 + 0.5}, np.clip)
    for type in ("i64", "i32"):
        s.same("TestClip.test_simple_int", "clip(x, -2, 4)", {"x": array(type, 10 * rng.rand(5, 3))}, lambda x: x.clip(-2, 4))
    for text, lo, hi in (("nan, inf", np.nan, np.inf), ("-inf, nan", -np.inf, np.nan), ("nan, nan", np.nan, np.nan),
                         ("-2.0, nan", -2.0, np.nan), ("nan, 10.0", np.nan, 10.0)):
        s.same("TestClip.test_clip_nan", f"clip(x, {text})", {"x": np.arange(7.0)}, lambda x: x.clip(lo, hi))
    a = np.arange(10)
    s.same("TestClip.test_clip_value_min_max_flip", "clip(x, 1, 0)", {"x": a}, lambda x: np.clip(x, 1, 0))
    s.same("TestClip.test_clip_value_min_max_flip", "clip(x, 1, hi)", {"x": a, "hi": np.zeros(10, int)}, lambda x, hi: np.clip(x, 1, hi))
    s.same("TestClip.test_clip_value_min_max_flip", "clip(x, lo, hi)", {"x": a, "lo": np.ones(10, int), "hi": np.zeros(10, int)}, np.clip)
    return s


def suites():
    return [nonzero(), where(), compare(), integers(), floats()]
