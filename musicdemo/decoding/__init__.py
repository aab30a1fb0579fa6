"""Decoding: from the scores of a network to sequences of events."""
