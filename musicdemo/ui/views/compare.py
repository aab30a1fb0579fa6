"""Compare: the same seed through several models or temperatures, side by side."""

from musicdemo.ui.compare.page import compare

compare()
