"""Notes: scores, MIDI, notation, and the tokens that stand for them."""
