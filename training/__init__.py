"""The training kit; nothing in musicdemo imports it."""
