"""NumPy's tests of boolean indexing and assignment, place, putmask, extract, compress, copyto and select."""

import itertools

import numpy as np

from case import DTYPE, FLOATS, INTS, TYPES, Error, Suite, array, small_random

rng = np.random.RandomState(7)


def halves(shape, part=0.5):
    return rng.uniform(size=shape) < part


def masked_axes(dims):
    """Every run of axes that a mask may cover: (first, how many)."""
    return [(first, n) for first in range(dims) for n in range(1, dims - first + 1)]


def index_text(first, n):
    return f"boolean_mask(t, m, axis={first})" if n > 1 and first else f"t[{':, ' * first}m]"


def assigned(a, m, v, first):
    a = a.copy()
    a[(slice(None),) * first + (m,)] = v
    return a


def index():
    s = Suite("numpy", "np_index", "NumPy's TestIndexing, TestBooleanIndexing, TestMultiIndexingAutomated.")

    def get(test, t, m, first=0):
        s.same(test, index_text(first, m.ndim), {"t": t, "m": m}, lambda t, m: t[(slice(None),) * first + (m,)], exact=True)

    def wrong(test, t, m, first=0):
        s.fails(test, index_text(first, m.ndim), {"t": t, "m": m}, lambda t, m: t[(slice(None),) * first + (m,)])

    ones = np.ones((5, 4, 3))
    for m, first in ((np.array([True]), 0), (np.zeros(6, bool), 0), (np.zeros((4, 4), bool), 0), (np.zeros((4, 4), bool), 1)):
        wrong("TestIndexing.test_boolean_shape_mismatch", ones, m, first)
    nine = array("i64", np.arange(1, 10), (3, 3))
    b = array("bool", [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    get("TestIndexing.test_boolean_indexing_onedim", np.zeros((1, 3)), np.array([True]))
    for m in (b, b[0], b[1], b[2]):
        get("TestIndexing.test_boolean_indexing_twodim", nine, m)
    get("TestIndexing.test_boolean_indexing_list", array("i64", [1, 2, 3]), b[0])
    get("TestIndexing.test_boolean_indexing_list", array("i64", [[1, 2, 3]]), b[0], 1)
    for n in (9, 10):
        wrong("TestBooleanIndexing.test_boolean_indexing_fast_path", np.ones((3, 3)), np.zeros((1, n), bool))
        last = np.zeros((1, n), bool)
        last[0, -1] = True
        wrong("TestBooleanIndexing.test_boolean_indexing_fast_path", np.ones((3, 3)), last)
    wrong("TestBooleanIndexing.test_boolean_indexing_fast_path", np.ones((1, 1, 2)), array("bool", [[[1], [0]]]))
    for v in (True, False):
        s.differs("scalar_mask", "TestIndexing.test_single_bool_index", "t[m]", {"t": nine, "m": np.array(v)}, lambda t, m: t[m],
                  Error("shape error"))
    a = array("i64", np.arange(90), (3, 1, 5, 6))
    for m in (np.zeros(a.shape, bool), halves(a.shape), np.zeros((3, 1, 5), bool), halves((3, 1, 5)), halves((3, 1)), halves(3)):
        get("TestMultiIndexingAutomated.test_boolean", a, m)
    for m, first in ((halves(1), 1), (np.zeros(1, bool), 1), (halves((1, 5)), 1), (halves(5), 2), (halves((5, 6)), 2), (halves(6), 3)):
        get("TestMultiIndexingAutomated.test_boolean", a, m, first)
    wrong("TestMultiIndexingAutomated.test_boolean", a, np.zeros((1, 3, 1, 5, 6), bool))
    for i, type in enumerate(TYPES):
        for (first, n), part in itertools.product(masked_axes(3), (0, 0.2, 0.7, 1)):
            shape = [(2, 3, 4), (5, 1, 7), (3, 9, 2)][(i + first) % 3]
            t = small_random(type, shape, 100 + i)
            get("TestMultiIndexingAutomated.test_multidim", t, halves(shape[first : first + n], part), first)
        for n in (63, 64, 65, 1000):
            get("TestIndexing.lengths", small_random(type, (n,), n), small_random("bool", (n,), n + 1))
        runs = np.repeat(array("bool", [0, 1, 0, 1]), [64, 100, 200, 90])
        get("TestIndexing.runs", small_random(type, (454,), 9), runs)
    d = array("f32", [1, np.nan, -0.0, np.inf, np.nan])
    d.view(np.uint32)[4] = 0xFFA00001
    get("TestIndexing.nan_bits", d, array("bool", [0, 1, 1, 0, 1]))
    flat = np.arange(9)
    s.same("TestFlatiterIndexing.test_flatiter_indexing_boolean", "t[m]", {"t": flat, "m": flat % 2 == 0}, lambda t, m: t[m])
    s.fails("TestFlatiterIndexing.test_flatiter_indexing_boolean", "t[m]", {"t": flat, "m": np.zeros(10, bool)}, lambda t, m: t[m])
    for empty, m in ((np.zeros((0, 3)), np.zeros(0, bool)), (np.zeros((3, 0)), halves(3)), (np.zeros((0, 3)), np.zeros((0, 3), bool))):
        get("TestIndexing.empty", empty, m)
    for empty, m in ((np.zeros((0, 3)), np.ones(1, bool)), (np.zeros((3, 0)), np.ones((3, 1), bool))):
        wrong("TestIndexing.empty", empty, m)
    a = array("i64", [1, 3, 2, 1, 2, 3, 3])
    for type in INTS + FLOATS:
        s.same("TestExtins.test_basic", "a[a > 1]", {"a": array(type, a)}, lambda a: np.extract(a > 1, a))
    two = small_random("f64", (6, 5), 3)
    s.same("TestExtins.extract", "a[a > 0 & a < 8]", {"a": two}, lambda a: np.extract((a > 0) & (a < 8), a))
    s.same("TestExtins.extract", "sqrt(a[a > 0]) + a[a > 0]", {"a": two}, lambda a: np.sqrt(a[a > 0]) + a[a > 0])
    return s


def assign():
    s = Suite("numpy", "np_assign", "NumPy's boolean assignment, place, putmask, copyto.")

    def put(test, a, m, v, first=0, text=None):
        text = text or f"expand(v, m, a{f', axis={first}' if first else ''})"
        s.same(test, text, {"v": v, "m": m, "a": a}, lambda v, m, a: assigned(a, m, v, first), exact=True)

    def wrong(test, a, m, v):
        s.fails(test, "expand(v, m, a)", {"v": v, "m": m, "a": a}, lambda v, m, a: assigned(a, m, v, 0))

    nine = array("i64", np.arange(1, 10), (3, 3))
    b = array("bool", [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    put("TestIndexing.test_boolean_indexing_onedim", np.zeros((1, 3)), np.array([True]), np.array(1.0))
    put("TestIndexing.test_boolean_indexing_twodim", nine, b, array("i64", 0))
    put("TestFancyIndexingCast.test_boolean_index_cast_assign", np.zeros((8, 63)), np.arange(504).reshape(8, 63) == 1, np.array([1.0]))
    four = np.arange(4)
    for v in ([], [1, 2, 3]):
        wrong("TestIndexing.test_boolean_assignment_value_mismatch", four, four > -1, array("i64", v))
    wrong("TestIndexing.test_boolean_assignment_value_mismatch", four[:1].copy(), four[:1] > -1, array("i64", [1, 2, 3]))
    wrong("TestIndexing.leading_ones", four, four > 1, array("i64", [[7, 8]]))
    s.differs("assignment_leading_ones", "TestIndexing.leading_ones", "expand(v, m, a)",
              {"v": array("i64", [[[7, 8, 9]]]), "m": b[0], "a": nine}, lambda v, m, a: assigned(a, m, v, 0), Error("shape error"))
    put("TestIndexing.test_boolean_assignment_needs_api", np.zeros(1000), np.arange(1000) < 100, np.ones(100))
    put("TestFlatiterIndexing.test_flatiter_indexing_boolean_assign", np.arange(9), np.arange(9) % 2 == 0, array("i64", 30))
    for i, type in enumerate(TYPES):
        for (first, n), part in itertools.product(masked_axes(3), (0.5, 1)):
            shape = [(2, 3, 4), (5, 1, 7), (3, 9, 2)][(i + first) % 3]
            a, m = small_random(type, shape, 200 + i), halves(shape[first : first + n], part)
            packed = shape[:first] + (int(m.sum()),) + shape[first + n :]
            kind = (i + first + n) % 4
            v = [packed, packed[first:] if first else packed, (), tuple(1 if j == first else k for j, k in enumerate(packed))][kind]
            put("TestIndexing.assign", a, m, small_random(type, v, 300 + i), first)
        m = halves((3, 4))
        v = small_random(type, (int(m.sum()),), 400 + i)
        zero = np.zeros((3, 4), DTYPE[type])
        fill = "false" if type == "bool" else "0"
        s.same("TestIndexing.adjoint", f"expand(v, m, {fill})", {"v": v, "m": m}, lambda v, m: assigned(zero, m, v, 0))
        v = small_random(type, (int(m.sum()), 2), 500 + i)
        s.same("TestIndexing.adjoint", f"expand(v, m, {fill})", {"v": v, "m": m},
               lambda v, m: assigned(np.zeros((3, 4, 2), DTYPE[type]), m, v, 0))
        a, m = small_random(type, (500,), 20 + i), small_random("bool", (500,), 21 + i)
        put("TestIndexing.assign", a, m, small_random(type, (int(m.sum()),), 22 + i))

    def place(a, m, v, test="TestExtins.test_place", text="place(a, m, v)"):
        def run(a, m, v):
            a = a.copy()
            np.place(a, m, v)
            return a
        s.same(test, text, {"a": a, "m": m, "v": v}, run, exact=True)

    def putmask(a, m, v, test, text="putmask(a, m, v)"):
        def run(a, m, v):
            a = a.copy()
            np.putmask(a, m, v)
            return a
        s.same(test, text, {"a": a, "m": m, "v": v}, run, exact=True)

    odd = array("bool", [0, 1, 0, 1, 0, 1, 0])
    for type in INTS + FLOATS:
        a = array(type, [1, 4, 3, 2, 5, 8, 7])
        place(a, odd, array(type, [2, 4, 6]))
        place(a, np.zeros(7, bool), array(type, []))
        place(a, ~odd, array(type, [8, 9]))
        place(a, ~odd, array(type, [8]))
        place(a, ~odd, array(type, 8))
        place(a, ~odd, array(type, np.arange(20)))
        s.fails("TestExtins.test_place", "place(a, m, v)", {"a": a, "m": odd, "v": array(type, [])}, place_in, "error")
        x = array(type, rng.uniform(size=30) * 100)
        mask = x.astype(np.float64) < 40
        for v in ([-100], [0], [15]):
            v = array(type, np.array(v).astype(np.int64) if type in INTS else v)
            putmask(x, mask, v, "TestPutmask.test_ip_types")
            putmask(x, mask, v.reshape(()), "TestPutmask.test_ip_types")
        putmask(x, mask, array(type, np.arange(30)), "TestPutmask.test_ip_types")
        putmask(x, mask, array(type, np.arange(7)), "TestPutmask.values_repeat")
        putmask(x.reshape(5, 6), mask.reshape(5, 6), array(type, np.arange(7)), "TestPutmask.values_repeat")
        place(x.reshape(5, 6), mask.reshape(5, 6), array(type, np.arange(7)), "TestExtins.values_repeat")
        putmask(x, mask, array(type, []), "TestPutmask.empty_values")
    x = array("f64", rng.uniform(size=10))
    place(x, x > 0.5, np.array(0.0), "TestExtins.test_both")
    place(x, x > 0.5, x[x > 0.5], "TestExtins.test_both")
    putmask(array("i32", [1, 2, 3]), array("bool", [1, 0, 1]), array("i32", -1), "TestPutmask.test_byteorder")
    putmask(array("i64", [0, 0]), array("bool", [0, 1]), array("i64", [-1, -2]), "TestPutmask.test_kwargs")
    s.fails("TestPutmask.test_mask_size", "putmask(a, m, v)", {"a": array("i64", [1, 2, 3]), "m": np.array([True]), "v": array("i64", 5)},
            lambda a, m, v: np.putmask(a, m, v))
    s.fails("TestExtins.mask_size", "place(a, m, v)", {"a": array("i64", [1, 2, 3]), "m": np.array([True]), "v": array("i64", [5])},
            place_in)
    big, m = small_random("f32", (3000,), 40), small_random("bool", (3000,), 41)
    for n in (1, 2, 7, 1024, 1999):
        place(big, m, small_random("f32", (n,), 42), "TestExtins.values_repeat")
        putmask(big, m, small_random("f32", (n,), 42), "TestPutmask.values_repeat")
    copyto(s)
    return s


def place_in(a, m, v):
    a = a.copy()
    np.place(a, m, v)
    return a


def copyto(s):
    def copy(test, a, v, m, text="where(m, v, a)"):
        def run(a, v, m):
            a = a.copy()
            np.copyto(a, v, where=m)
            return a
        s.same(test, text, {"a": a, "v": v, "m": m}, run, exact=True)

    a = array("f32", np.full((2, 3), 2.5))
    copy("test_copyto_fromscalar", a, np.float32(3.5).reshape(()), array("bool", [[0, 1, 0], [0, 0, 1]]))
    copy("test_copyto_fromscalar", a.T.copy(), np.float32(4.5).reshape(()), array("bool", [[0, 1], [1, 1], [1, 0]]))
    one = np.ones((2, 3), np.int32)
    copy("test_copyto", one, array("i32", 3), array("bool", [1, 0, 1]))
    copy("test_copyto", array("i32", [[3, 1, 3], [3, 1, 3]]), array("i32", 4), array("bool", [[0, 1, 1], [1, 0, 0]]))
    copy("test_copyto", array("i32", [[3, 4], [4, 1]]), array("i32", [[1, 4], [4, 3]]), array("bool", [[0, 1], [1, 1]]))
    masks = sorted({tuple((i & x) != 0 for x in range(9)) for i in range(512)})
    for mask in masks:
        for cut in (slice(None), slice(None, None, -1), slice(None, None, 2), slice(None, None, -2)):
            m = np.array(mask)[cut].copy()
            copy("test_copyto_permute", np.zeros(len(m)), np.ones(len(m)), m)
    for value in (True, False):
        copy("test_copyto_permute", np.zeros(9), np.ones(9), np.array(value))
    a, b = np.arange(7.0), np.ones(7)
    s.same("TestUfunc.test_where_param", "where(i % 2 == 1, a + b, c)", {"i": np.arange(7), "a": a, "b": b, "c": np.zeros(7)},
           lambda i, a, b, c: np.add(a, b, out=c.copy(), where=i % 2 == 1))
    s.same("TestUfunc.test_where_param", "where(m, a - 2, a)", {"m": array("bool", [1, 0]), "a": array("i64", [[2, 27], [16, 5]])},
           lambda m, a: np.subtract(a, 2, out=a.copy(), where=m))
    s.same("TestUfunc.test_where_param_buffer_output", "where(m, f64(a + b), c)",
           {"m": array("bool", [1, 0, 0, 1, 0, 0, 1, 1, 1, 0]), "a": np.ones(10, int), "b": np.ones(10, int), "c": np.full(10, 1.5)},
           lambda m, a, b, c: np.add(a, b, out=c.copy(), where=m))
    a, b = small_random("f64", (500, 4), 8), small_random("f64", (500, 1), 9)
    s.same("TestUfunc.test_where_with_broadcasting", "where(a > 0.3, a < b, false)", {"a": a, "b": b},
           lambda a, b: np.less(a, b, where=a > 0.3, out=np.zeros(a.shape, bool)))


def select():
    s = Suite("numpy", "np_select", "NumPy's TestSelect and its tests of compress.")
    choices = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    conditions = dict(zip("abc", array("bool", [[0, 0, 0], [0, 1, 0], [0, 0, 1]])))
    for type in INTS + FLOATS:
        values = dict(zip("xyz", (array(type, v) for v in choices)))
        inputs = {**conditions, **values}
        for default in (15, 0):
            s.same("TestSelect.test_basic", f"select(a, x, b, y, c, z, {default})", inputs,
                   lambda a, b, c, x, y, z: np.select([a, b, c], [x, y, z], default=DTYPE[type](default)))
    wide = array("i64", np.arange(12), (4, 3))
    s.same("TestSelect.test_broadcasting", "select(a, 1, b, x, 0)", {"a": np.array(True), "b": conditions["b"], "x": wide},
           lambda a, b, x: np.select([a, b], [1, x]))
    s.same("TestSelect.test_broadcasting", "select(a, x, d)", {"a": np.array(True), "x": array("i64", 0), "d": array("i64", [0])},
           lambda a, x, d: np.select([a], [x], default=d))
    for type in FLOATS[2:]:
        d = array(type, [1, 2, 3, np.nan, 5, 7])
        s.same("TestSelect.test_return_dtype", "select(is_nan(d), d, 0)", {"d": d}, lambda d: np.select([np.isnan(d)], [d]))
    s.fails("TestSelect.test_non_bool_deprecation", "select(a, x, b, x, 0)",
            {"a": array("i64", [0, 0, 0]), "b": conditions["b"], "x": array("i64", choices[0])},
            lambda a, b, x: np.select([a, b], [x, x]), "type error")
    first = {"a": np.array([True, True]), "b": np.array([True, False]), "x": array("i32", [1, 2]), "y": array("i32", [3, 4])}
    s.same("TestSelect.first_true", "select(a, x, b, y, 9)", first, lambda a, b, x, y: np.select([a, b], [x, y], np.int32(9)))
    arr = np.arange(10).reshape(2, 5)

    def compress(test, c, t, axis):
        s.same(test, f"compress(c, t, axis={axis})", {"c": array("bool", c), "t": t}, lambda c, t: np.compress(c, t, axis=axis))

    for type in TYPES:
        t = array(type, arr)
        compress("TestMethods.test_compress", [0, 1], t, 0)
        compress("TestMethods.test_compress", [0, 1, 0, 1, 0], t, 1)
        compress("TestMethods.test_compress", [0, 1], t, 1)
        compress("TestMethods.test_compress", [0, 1], t, -1)
        compress("TestMethods.test_compress", [0, 1, 0, 1, 0, 0, 0], t, 1)
        compress("TestMethods.test_compress", [], t, 1)
        s.fails("TestMethods.test_compress", "compress(c, t, axis=1)", {"c": array("bool", [1, 0, 0, 0, 0, 1]), "t": t},
                lambda c, t: np.compress(c, t, axis=1), "shape error")
    compress("TestNonarrayArgs.test_compress", [0, 1], arr, 0)
    compress("TestRegression.test_compress_small_type", [1, 0], array("i64", [[1, 2], [3, 4]]), 1)
    t = small_random("f32", (4, 90, 3), 77)
    for n in (1, 63, 64, 65, 90, 100):
        c = small_random("bool", (n,), 78)
        c[90:] = False
        compress("TestMethods.compress_lengths", c, t, 1)
    return s


def suites():
    return [index(), assign(), select()]
