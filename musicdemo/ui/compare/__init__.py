"""Compare: one seed and random seed through several models or temperatures, heard and measured beside each other."""
