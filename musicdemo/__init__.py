"""Music by recurrent neural networks: scores, networks, decoding, and the studio around them."""
