"""The command line: words and files in, one call of the library, words or JSON out. No music and no tensors here.

What needs torch is imported by the command that uses it, so that the others answer at once.
"""
