"""Rendering: what a Score sounds and looks like."""
