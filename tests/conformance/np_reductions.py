"""NumPy's tests of reductions: count_nonzero, any and all, min and max, argmin and argmax, sums, products and means."""

import itertools

import numpy as np

from case import DTYPE, FLOATS, INTS, TYPES, Near, Suite, array, bit_rows, exact_sum, small_random, type_of

rng = np.random.RandomState(99)


def options(axis=None, keepdims=False, where=False, initial=None):
    """The options as text."""
    text = ", where=m" if where else ""
    if axis is not None:
        text += f", axis={axis if isinstance(axis, int) else '(' + ', '.join(map(str, axis)) + ')'}"
    text += ", keepdims=true" if keepdims else ""
    return text + (f", initial={initial}" if initial is not None else "")


def count():
    s = Suite("numpy", "np_count", "NumPy's tests of count_nonzero.")

    def counted(test, x, axis=None, keepdims=False):
        s.same(test, f"count(x{options(axis, keepdims)})", {"x": x},
               lambda x: np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), np.int64))

    for values in ([], [0], [1]):
        for type in ("f64", "bool", "i64"):
            counted("TestNonzero.test_nonzero_trivial", array(type, values))
    for type in TYPES:
        counted("TestNonzero.test_nonzero_onedim", array(type, np.array([1, 0, 2, -1, 0, 0, 8]).astype(np.int64)))
        for values in ([[0, 1, 0], [2, 0, 3]], np.eye(3)):
            counted("TestNonzero.test_nonzero_twodim", array(type, values))
        m = np.zeros((3, 3), DTYPE[type])
        m[0, 0] = m[1, 0] = 1
        for axis in (0, 1, (0, 1), None):
            counted("TestNonzero.test_count_nonzero_axis_all_dtypes", m, axis)
    m = array("i64", [[0, 1, 7, 0, 0], [3, 0, 0, 2, 19]])
    for axis in (0, 1, -1, -2):
        counted("TestNonzero.test_count_nonzero_axis", m, axis)
    for axis in ((1, 1), 3, (0, -2)):
        s.fails("TestNonzero.test_count_nonzero_axis", f"count(x{options(axis)})", {"x": m},
                lambda x: np.count_nonzero(x, axis=axis), "bad argument")
    m = array("i64", rng.randint(-3, 4, size=(3, 4, 2, 5)))
    for length in (1, 2, 3, 4):
        for axes in itertools.combinations(range(4), length):
            counted("TestNonzero.test_count_nonzero_axis_consistent", m, axes)
            counted("TestNonzero.test_count_nonzero_axis_consistent", m, axes[::-1])
    a = array("i64", [[0, 0, 1, 0], [0, 3, 5, 0], [7, 9, 2, 0]])
    for axis in (0, 1, None):
        counted("TestNonzero.test_countnonzero_keepdims", a, axis, True)
    for v in (0.0, -0.0, 1.0, np.nan, np.inf):
        for type in FLOATS:
            counted("TestNonzero.test_nonzero_byteorder", array(type, [v]))
    counted("TestBool.test_count_nonzero", bit_rows("bool", 1 << 12, 17), 1)
    counted("TestBool.test_count_nonzero_all", bit_rows("bool", 1 << 12, 17), 0)
    counted("TestBool.test_count_nonzero_all", bit_rows("bool", 1 << 12, 17))
    for i in range(0, 4096, 61):
        counted("TestBool.test_count_nonzero", array("bool", i * 7 >> np.arange(17) & 1))
    for o in range(7):
        counted("TestBool.test_count_nonzero_unaligned", array("bool", np.arange(18 - o - 1) < 0))
        counted("TestBool.test_count_nonzero_unaligned", array("bool", np.arange(18 - o - 1) >= o))
    for byte in (2, 0x80, 0xFF):
        odd = (small_random("bool", (300,), 4).astype(np.uint8) * np.uint8(byte)).view(bool)
        s.same("TestBool.bool_bytes", "count(x)", {"x": odd}, lambda x: np.asarray(np.count_nonzero(x.view(np.uint8)), np.int64))
    for type in TYPES:
        x = small_random(type, (1000,), 50)
        counted("TestNonzero.lengths", array(type, np.where(np.arange(99) % 3 == 0, 0, x[:99])))
        s.same("TestNonzero.of_mask", "count(x[m])", {"x": x, "m": small_random("bool", (1000,), 51)},
               lambda x, m: np.asarray(np.count_nonzero(x[m]), np.int64))
    counted("TestNonzero.empty", np.zeros((0, 4)), 0)
    counted("TestNonzero.empty", np.zeros((0, 4)), 1)
    s.same("TestNonzero.count_mask", "count(x > 0)", {"x": small_random("f32", (777,), 3)},
           lambda x: np.asarray(np.count_nonzero(x > 0), np.int64))
    return s


def any_all():
    s = Suite("numpy", "np_any_all", "NumPy's tests of any and all.")
    both = {"any": np.any, "all": np.all}

    def reduced(test, x, axis=None, names=both, keepdims=False):
        for name in names:
            s.same(test, f"{name}(x{options(axis, keepdims)})", {"x": x},
                   lambda x: np.asarray(both[name](x, axis=axis, keepdims=keepdims)))

    for v in ([0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0]):
        reduced("TestAny.test_basic", array("i64", v))
    for v in ([0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]):
        reduced("TestAll.test_basic", array("i64", v))
    for v in ([[0, 0, 0], [0, 1, 0], [1, 1, 0]], [[0, 0, 1], [0, 1, 1], [1, 1, 1]]):
        for type, axis in itertools.product(("i64", "bool", "f32"), (None, 0, 1)):
            reduced("TestAny.test_nd", array(type, v), axis)
    for type in TYPES:
        reduced("TestMethods.test_any_and_all_result_dtype", np.ones(3, DTYPE[type]))
        reduced("TestMethods.empty", np.ones(0, DTYPE[type]))
    for type in FLOATS:
        for v in ([np.nan], [-0.0], [0.0, np.nan], [np.inf, -0.0]):
            reduced("TestMethods.nan", array(type, v))
    for n in [*range(0, 249, 5), 248]:
        d = np.arange(249) == n
        reduced("TestBoolArray.test_all_any", d, names=["any"])
        reduced("TestBoolArray.test_all_any", ~d, names=["all"])
    for i in list(range(9, 6000, 1521)) + [7764, 90021, 100033]:
        d = np.zeros(100043, bool)
        d[i] = True
        reduced("TestBoolArray.test_all_any", d, names=["any"])
        reduced("TestBoolArray.test_all_any", ~d, names=["all"])
    a = array("bool", [[1, 0, 1], [0, 0, 0], [1, 1, 1]])
    full_all, full_any = array("bool", [[1, 0, 1], [0, 0, 0], [1, 0, 1]]), array("bool", [[0, 1, 0], [1, 1, 1], [0, 0, 0]])
    masks = [array("bool", [[0], [0], [1]]), array("bool", [[0], [1], [0]]), full_all, full_any, np.array(False), np.array(True)]
    for (name, function), m, axis in itertools.product(both.items(), masks, (0, 1, None)):
        s.same(f"TestMethods.test_{name}_where", f"{name}(x{options(axis, where=True)})", {"x": a, "m": m},
               lambda x, m: np.asarray(function(x, axis=axis, where=m)))
    for (name, function), value in itertools.product(both.items(), (True, False)):
        s.same(f"TestMethods.test_{name}_where", f"{name}(x, where={str(value).lower()})", {"x": a},
               lambda x: np.asarray(function(x, where=value)))
    return s


ENDS = {"min": np.min, "max": np.max}
AXES = [None, (0, 1), (0, 2), (1, 2), 0, 1, 2]


def min_max():
    s = Suite("numpy", "np_min_max", "NumPy's tests of min and max.")

    def reduced(test, x, axis=None, keepdims=False, names=ENDS):
        for name in names:
            s.same(test, f"{name}(x{options(axis, keepdims)})", {"x": x},
                   lambda x: np.asarray(ENDS[name](x, axis=axis, keepdims=keepdims)))

    for type in INTS + FLOATS:
        up = array(type, np.arange(11))
        reduced("TestMaximum.test_reduce", up)
        reduced("TestMaximum.test_reduce", up[::-1].copy())
        x = small_random(type, (5, 3, 6), 60)
        for axis in AXES if type in ("f64", "u8") else [(0, 2)]:
            reduced("TestMaximum.axes", x, axis, axis in (1, (0, 2)))
        reduced("TestMaximum.lengths", small_random(type, (1500,), 61))
    for type in FLOATS:
        up = array(type, np.arange(11.0))
        up[::2] = np.nan
        reduced("TestMaximum.test_reduce", up)
        reduced("TestMaximum.test_reduce", up[::-1].copy())
    for type, size in (("f32", 15), ("f64", 7), ("f16", 15), ("bf16", 15)):
        for n in range(1, 2 * size, 5):
            for i in range(0, n, 4):
                for v, names in ((np.nan, ENDS), (1e4, ["max"]), (-1e4, ["min"])):
                    x = array(type, np.arange(float(n)))
                    x[i] = v
                    reduced("TestMinMax.test_minmax_blocked", x, names=names)
    for type in ("f32", "f64", "f16"):
        info = np.finfo(DTYPE[type])
        for pair in ((info.min, -np.inf), (info.max, -np.inf), (info.min, np.inf), (info.max, np.nan), (np.nan, -np.inf)):
            reduced("TestMaximum.test_precision", array(type, pair))
    for type in INTS:
        info = np.iinfo(DTYPE[type])
        reduced("TestMaximum.ends", np.array([0, info.min, info.max, 1], DTYPE[type]))
    for v in ([True, False], [False, False], [True, True]):
        reduced("TestMaximum.bools", array("bool", v))
    one = array("i64", 1)
    reduced("TestMinMax.test_scalar", one)
    for name in ENDS:
        s.fails("TestMinMax.test_scalar", f"{name}(x, axis=1)", {"x": one}, lambda x: ENDS[name](x, axis=1), "bad argument")
        s.fails("TestMinMax.test_axis", f"{name}(x, axis=7)", {"x": array("i64", [1, 2, 3])}, lambda x: ENDS[name](x, axis=7), "bad argument")
        s.fails("TestMinMax.empty", f"{name}(x)", {"x": np.zeros(0)}, ENDS[name], "error")
        s.fails("TestMinMax.empty", f"{name}(x, axis=0)", {"x": np.zeros((0, 3))}, lambda x: ENDS[name](x, axis=0), "error")
        s.same("TestUfunc.test_empty_reduction_and_identity", f"{name}(x, axis=1)", {"x": np.zeros((0, 5))}, lambda x: ENDS[name](x, axis=1))
    reduced("TestMinMax.test_axis", array("i64", [[1, 2, 3]]), 1)
    for pos, axis in itertools.product(((1, 0, 0), (0, 1, 0), (0, 0, 1)), AXES):
        a = np.ones((2, 3, 4))
        a[pos] = 0
        reduced("TestUfunc.test_identityless_reduction", a, axis, names=["min"])
        reduced("TestUfunc.test_identityless_reduction", -a, axis, names=["max"])
    initial_and_where(s)
    return s


def initial_and_where(s):
    def reduced(test, name, x, initial, axis=None, m=None):
        given = float(initial) if type_of(x) in FLOATS else int(initial)
        kwargs = {} if m is None else {"where": m}
        inputs = {"x": x} if m is None else {"x": x, "m": m}
        s.same(test, f"{name}(x{options(axis, where=m is not None, initial=initial)})", inputs,
               lambda *_: np.asarray(ENDS[name](x, axis=axis, initial=given, **kwargs)))

    for name, v, initial in (("max", [], "0"), ("min", [], "inf"), ("max", [], "-inf"), ("min", [5], "4"), ("max", [4], "5"),
                             ("max", [5], "4"), ("min", [4], "5"), ("max", [np.nan], "4"), ("min", [1], "nan")):
        for type in ("f64", "f16"):
            reduced("TestUfunc.test_initial_reduction", name, array(type, v), initial)
    for name, v, initial in (("max", [], "0"), ("min", [5], "4"), ("max", [4], "5"), ("min", [4], "5")):
        for type in ("u8",):
            reduced("TestUfunc.test_initial_reduction", name, array(type, v), initial)
    a = np.arange(9.0).reshape(3, 3)
    for (axis, m), initial, name in itertools.product(
            ((0, array("bool", [1, 0, 1])), (1, array("bool", [1, 1, 0])), (None, np.array(True))), ("-inf", "5.0", "inf"), ENDS):
        reduced("TestUfunc.test_reduction_with_where_and_initial", name, a, initial, axis, m)
    m = array("bool", [0, 1, 0])
    s.differs("where_needs_initial", "TestUfunc.test_reduction_where_initial_needed", "max(x, where=m)", {"x": a, "m": m},
              lambda x, m: np.maximum.reduce(x, where=m), np.array(7.0))
    for name, none in itertools.product(ENDS, (np.zeros(3, bool), np.zeros((3, 1), bool))):
        s.fails("TestUfunc.test_reduction_where_initial_needed", f"{name}(x, where=m)", {"x": a, "m": none},
                lambda x, m: ENDS[name](x, where=m), "error")
    for type in ("i8", "i16", "u16", "i64", "bf16", "f32"):
        x, mask = small_random(type, (23, 13), 62), small_random("bool", (23, 13), 63)
        low = {"min": int(np.iinfo(DTYPE[type]).max), "max": int(np.iinfo(DTYPE[type]).min)} if type in INTS else {"min": np.inf, "max": -np.inf}
        for name, axis in itertools.product(ENDS, (None, 0, 1) if type in ("i16", "f32") else (None,)):
            s.same("TestUfunc.where", f"{name}(x{options(axis, where=True)})", {"x": x, "m": mask},
                   lambda x, m: np.asarray(ENDS[name](x, axis=axis, where=m, initial=DTYPE[type](low[name]))))
        for name in ENDS:
            s.same("TestUfunc.of_mask", f"{name}(x[m])", {"x": x, "m": mask}, lambda x, m: np.asarray(ENDS[name](x[m])))


PLACES = {"argmin": np.argmin, "argmax": np.argmax}


def arg():
    s = Suite("numpy", "np_arg", "NumPy's TestArgmax, TestArgmin, TestArgmaxArgminCommon.")

    def place(test, x, axis=None, keepdims=False, names=PLACES):
        for name in names:
            s.same(test, f"{name}(x{options(axis, keepdims)})", {"x": x},
                   lambda x: np.asarray(PLACES[name](x, axis=axis, keepdims=keepdims)).astype(np.int64))

    unsigned = [[1] * 8 + [0] * 7, [3] * 4 + [2] * 4, [0, 1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1, 0]]
    signed = [[1, 2, 3, 4, -4, -3, -2, -1], [1, 2, 3, 4, -1, -2, -3, -4]]
    nan = np.nan
    nans = [[0, 1, 2, 3, nan], [0, 1, 2, nan, 3], [nan, 0, 1, 2, 3], [nan, 0, nan, 2, 3]]
    nans += [[1] * (n * 5 - 1) + [nan] for n in (2, 4, 8, 16, 32)]
    bools = [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 0, 1], [0, 1, 1, 1, 1], [0, 1, 0, 1, 1]]
    data = [(t, v) for t, v in itertools.product(INTS + FLOATS, unsigned)]
    data += [(t, v) for t, v in itertools.product(INTS[:4] + FLOATS, signed)]
    data += [(t, v) for t, v in itertools.product(FLOATS, nans)] + [("bool", v) for v in bools]
    for type, v in data:
        x = array(type, v)
        place("TestArgmax.test_combinations", x)
        place("TestArgmax.test_combinations", np.repeat(x, 129))
        place("TestArgmax.test_combinations", np.concatenate([x, np.repeat(np.min(x), 513)]), names=["argmax"])
        place("TestArgmin.test_combinations", np.concatenate([x, np.repeat(np.max(x), 513)]), names=["argmin"])
    for type in INTS[:4]:
        info = np.iinfo(DTYPE[type])
        for v in ([1, info.max, info.min], [1, info.min, info.min + 1, info.max]):
            place("TestArgmax.test_maximum_signed_integers", np.array(v, DTYPE[type]))
            place("TestArgmax.test_maximum_signed_integers", np.array(v, DTYPE[type]).repeat(129))
    sizes = [(3,), (3, 2), (2, 3), (3, 3), (2, 3, 4), (4, 3, 2), (1, 2, 3, 4), (2, 3, 4, 1), (3, 4, 1, 2), (4, 1, 2, 3), (64,), (128,), (256,)]
    for i, size in enumerate(sizes):
        x = array(["f64", "f32", "i16", "u8", "i64", "f16"][i % 6], rng.normal(size=size) * 50 + 100)
        for axis in [*range(-len(size), len(size)), None]:
            place("TestArgmaxArgminCommon.test_np_argmin_argmax_keepdims", x, axis, True)
    x = array("f32", rng.normal(0, 1, (3, 4, 5, 2)))
    for axis in range(4):
        place("TestArgmaxArgminCommon.test_all", x, axis)
    place("TestArgmaxArgminCommon.test_output_shape", np.ones((10, 5)), -1)
    for name in PLACES:
        s.fails("TestArgmax.empty", f"{name}(x)", {"x": np.zeros(0)}, PLACES[name], "error")
        s.fails("TestArgmax.two_axes", f"{name}(x, axis=(0, 1))", {"x": np.ones((2, 2))}, lambda x: PLACES[name](x, axis=(0, 1)), "bad argument")
    for type in FLOATS:
        for v in ([0.0, -0.0], [-0.0, 0.0], [1, -0.0, 0.0, 1], [-1, 0.0, -0.0]):
            place("TestArgmin.zeros", array(type, v))
    for type in TYPES:
        x, m = small_random(type, (1200,), 70), small_random("bool", (1200,), 71)
        for name in PLACES:
            s.same("TestArgmin.of_mask", f"{name}(x[m])", {"x": x, "m": m}, lambda x, m: np.asarray(PLACES[name](x[m])).astype(np.int64))
            s.same("TestArgmin.where", f"{name}(x, where=m)", {"x": x, "m": m},
                   lambda x, m: np.asarray(np.flatnonzero(m)[PLACES[name](x[m])]).astype(np.int64))
    return s


def sums():
    s = Suite("numpy", "np_sum", "NumPy's tests of sum, prod and mean.")
    functions = {"sum": np.sum, "prod": np.prod, "mean": np.mean}

    def reduced(test, name, x, axis=None, keepdims=False, m=None, initial=None):
        kwargs = {"axis": axis, "keepdims": keepdims}
        kwargs.update({} if m is None else {"where": m}, **({} if initial is None else {"initial": DTYPE[type_of(x)](float(initial))}))
        inputs = {"x": x} if m is None else {"x": x, "m": m}
        text = f"{name}(x{options(axis, keepdims, m is not None, initial)})"
        function = lambda *_: np.asarray(functions[name](x, **kwargs))
        if type_of(x) in FLOATS or name == "mean":
            s.near(test, text, inputs, function, x, type_of(x) if type_of(x) in FLOATS else "f64", axis, keepdims,
                   True if m is None else m, None if initial is None else float(initial), name == "mean", name == "prod")
        else:
            s.same(test, text, inputs, function)

    for v in (0, 1, 2, 7, 8, 9, 15, 16, 19, 127, 128, 1024, 1235):
        for type in ["f32", "i32"] + (["f64", "f16", "u8"] if v < 128 else []):
            d = array(type, np.arange(1, v + 1))
            reduced("TestUfunc.test_sum", "sum", d)
            if v < 128:
                reduced("TestUfunc.test_sum", "sum", d[::-1].copy())
    for type in ["bool"] + INTS + FLOATS[2:] + ["f16"]:
        d = np.ones(500, DTYPE[type])
        for cut in (slice(None, None, 2), slice(1, None, 3)):
            reduced("TestUfunc.test_sum", "sum", d[cut].copy())
    reduced("TestUfunc.test_sum_initial", "sum", array("i64", [3]), initial=2)
    reduced("TestUfunc.test_sum_initial", "sum", array("f64", [0.2]), initial=0.1)
    reduced("TestUfunc.test_sum_initial", "sum", np.ones((2, 3, 5), np.int64), (0, 2), initial=2)
    two = array("f64", [[1, 2], [3, 4]])
    reduced("TestUfunc.test_sum_where", "sum", two, m=array("bool", [1, 0]))
    reduced("TestUfunc.test_sum_where", "sum", two, 0, m=array("bool", [1, 0]), initial=5.0)
    a = np.arange(9.0).reshape(3, 3)
    masks = [array("bool", [0, 1, 1]), array("bool", [[1], [0], [1]]), array("bool", [[1, 0, 0], [0, 1, 0], [0, 1, 1]])]
    for axis, m in itertools.product((0, 1, None), masks):
        for name, type in (("sum", "f64"), ("prod", "i32")):
            reduced("TestUfunc.test_reduction_with_where", name, array(type, a), axis, m=m)
    a = np.arange(16).reshape(4, 4)
    full = array("bool", [[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]])
    part = array("bool", [[0], [1], [1], [0]])
    for type in ("i64", "f64", "f16"):
        for axis, m in ((1, np.array(True)), (0, full), (1, full), (0, part), (1, part)):
            reduced("TestStats.test_mean_where", "mean", array(type, a), axis, m=m)
        reduced("TestStats.test_mean_where", "mean", array(type, a), m=np.array(False))
        reduced("TestStats.test_mean_where", "mean", array(type, a.reshape(2, 2, 4)), 2, m=array("bool", [0, 1, 1, 0]))
    reduced("TestStats.test_mean_float16", "mean", np.ones(100000, np.float16))
    for name in ("sum", "mean", "prod"):
        s.fails("TestStats.test_mean_axis_error", f"{name}(x, axis=2)", {"x": np.arange(10)}, lambda x: functions[name](x, axis=2), "bad argument")
    for type in INTS + ["bool"]:
        x = small_random(type, (3, 11, 4), 80)
        info = np.iinfo(DTYPE[type]) if type != "bool" else None
        for axis in AXES if type in ("bool", "i32") else [None, (0, 2)]:
            reduced("TestMethods.test_sum", "sum", x, axis, axis in (0, (1, 2)))
        reduced("TestMethods.test_prod", "prod", x[0, :7, 0].copy())
        reduced("TestMethods.mean", "mean", x, 1)
        if info:
            reduced("TestMethods.wrap", "sum", np.full(1000, info.max, DTYPE[type]))
            reduced("TestMethods.wrap", "prod", np.full(11, info.max, DTYPE[type]))
    for type in FLOATS[:1] + FLOATS[2:]:
        x, m = small_random(type, (3, 11, 4), 81), small_random("bool", (3, 11, 4), 82)
        for axis in AXES if type == "f64" else [None, 1]:
            reduced("TestMethods.test_sum", "sum", x, axis, axis in (0, (1, 2)))
            reduced("TestMethods.mean", "mean", x, axis, axis in (0, (1, 2)))
            reduced("TestMethods.where", "sum", x, axis, m=m)
            reduced("TestMethods.where", "mean", x, axis, m=m)
        for n in (1, 63, 64, 65, 1000, 1023, 1024, 1025, 5000):
            reduced("TestMethods.lengths", "sum", small_random(type, (n,), 83))
        noise = array(type, rng.normal(size=200) * 10)
        reduced("TestMethods.noise", "sum", noise)
        reduced("TestMethods.noise", "mean", noise)
        reduced("TestMethods.noise", "prod", array(type, 1 + rng.uniform(size=12)))
        for name in ("sum", "mean"):
            x, m = small_random(type, (2500,), 84), small_random("bool", (2500,), 85)
            exact, bound = exact_sum(x, None, False, m, None, name == "mean")
            s.file.case("numpy TestMethods.of_mask", f"{name}(x[m])", {"x": x, "m": m}, Near(type, exact, bound))
        for v in ([np.inf, 1], [np.inf, -np.inf], [np.nan, 1], [-np.inf, 3]):
            reduced("TestMethods.special", "sum", array(type, v))
    return s


def suites():
    return [count(), any_all(), min_max(), arg(), sums()]
