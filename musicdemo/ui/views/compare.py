"""Compare: the same seed through several models or temperatures, side by side."""
