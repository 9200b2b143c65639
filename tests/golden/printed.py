#!/usr/bin/env python3
"""Write printed.txt: how NumPy (2.3 or later) prints arrays, for tests/command.sh.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy
    /tmp/golden/bin/python tests/golden/printed.py

Each case is the line of an input, x:TYPE=LITERAL, and what print() makes of it.
"""

import os
import random

import numpy as np

DTYPE = {"bool": "?", "f16": "f2", "f32": "f4", "f64": "f8"} | {
    f"{kind}{8 * size}": f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)
}
random.seed(1)
np.seterr(all="ignore")


def literal(array):
    if array.ndim:
        return "[" + ",".join(map(literal, array)) + "]"
    return str(array).lower() if array.dtype == bool else repr(array.item())


def case(out, type, values):
    array = np.array(values, DTYPE[type])
    if np.isinf(array).any() and not np.isinf(np.array(values)).any():
        return  # past the type's range
    out.write(f"x:{type}={literal(array)}\n{array!s}\n")


def shaped(shape, element):
    return [shaped(shape[1:], element) for _ in range(shape[0])] if shape else element()


SHAPES = [(), (3,), (1,), (2, 2), (30,), (3, 12), (2, 3, 2), (2, 1, 2, 2), (1, 2, 1, 1, 2)]
nan, inf = float("nan"), float("inf")
# The edges: where exponents begin, what shares a column, a power of two whose neighbours are unevenly far, digits past the shortest.
FLOATS = [
    0.0, -0.0, 1e-4, 9.9e-5, 999.5, 1000, 999999, 1e6, 1e15, 1e16, nan, -inf, 2.0**-44, 1 / 3,
    [1000, 1], [1001, 1], [1e-4, 1e-4], [9e-5, 0], [99999999, 99999], [1e8], [999999, 1e4], [1e6],
    [nan, inf], [nan, -inf], [-0.0, nan], [nan, -inf, 1.5], [inf, 1e-7], [0, 0], [1, 2.5, -3.125],
    [1 / 3, 1], [1 / 3, 1e-5], [8.430487e16, 1.3932742e18], [7.753404, 142836.16], [1e-310, 1e300], [1e-5, 5e-324],
    [9.999999999, 0.5], [0.123456785, 1], [2.0**-14, 2.0**-24], [65504, 1], [1e10, 1], [3.4e38, 1e-45],
]  # fmt: skip


def random_float(exponents):
    return lambda: round(random.gauss(0, 1), random.randrange(9)) * 10.0 ** random.choice(exponents)


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "printed.txt"), "w") as out:
        out.write(f"# NumPy {np.__version__}. Written by printed.py.\n")
        for type in ("f16", "f32", "f64"):
            for values in FLOATS:
                case(out, type, values)
            for shape in SHAPES:
                case(out, type, shaped(shape, random_float(random.choice([[0], [0, 1], [-3, 0], [-5, 5]]))))
        for type in DTYPE:
            if type[0] in "iu":
                info = np.iinfo(DTYPE[type])
                case(out, type, [info.min, info.max, 0])
        for shape in SHAPES:
            case(out, "i64", shaped(shape, lambda: random.randrange(-1000, 10 ** random.randrange(1, 6))))
            case(out, "bool", shaped(shape, lambda: random.random() < 0.5))
        for values in ([], [[]], [[], []]):
            case(out, "f32", values)


main()
