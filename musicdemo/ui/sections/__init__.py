"""Sections of the studio page: one file each, with one function that draws it."""
