"""Shared by all tests: one thread for numbers, because two that spin on a small machine are many times slower.

And no way to the real Hub: a test that wants one brings its own.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
