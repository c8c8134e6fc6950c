"""Kernels are compiled where nothing can be written, too."""

import subprocess
import sys

CODE = """
from numba.core import caching
caching.CacheImpl._locator_classes = []  # no folder that could be written is found
from synthgen.text.compiled import compiled
assert compiled(lambda x: x + 1)(2) == 3
try:
    from numba import njit
    njit(cache=True)(lambda x: x)
except RuntimeError:
    print("cannot be kept")
"""


def test_a_machine_without_a_place_for_the_cache_compiles_anew():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "cannot be kept\n"), done.stderr
