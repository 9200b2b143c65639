#!/usr/bin/env python3
"""Write the files of this folder: what NumPy and TensorFlow make of the cases of their own tests.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy ml_dtypes tensorflow-cpu
    /tmp/venv/bin/python tests/conformance/make.py [NAME...]

The files are committed, so the tests need none of this. Inputs and situations are those of the libraries' tests; every result
is computed here by the live library, in case.py.
"""

import sys

import differences
import np_elementwise
import np_masks
import np_reductions
import tf_elementwise
import tf_reductions

MODULES = (tf_elementwise, tf_reductions, np_elementwise, np_masks, np_reductions, differences)

if __name__ == "__main__":
    suites = [s for module in MODULES for s in module.suites()]
    print(sum(s.write() for s in suites if len(sys.argv) == 1 or s.file.name in sys.argv), "cases")
