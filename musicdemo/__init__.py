"""Music by recurrent neural networks: scores, networks, decoding, and the studio around them."""

DEFAULT_MODEL = "attention"
"""The shipped checkpoint that is taken where nobody chooses."""
