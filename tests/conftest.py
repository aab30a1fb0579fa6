"""Shared by all tests: one thread for numbers, because two that spin on a small machine are many times slower."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
