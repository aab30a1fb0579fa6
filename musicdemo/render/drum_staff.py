"""Where a drum stands on its staff: place, note head and name, after Weinberg 1998, Guidelines for Drumset Notation.

Sounds outside a drum set have no agreed place; they share the space above the staff, with a head of their own.
"""

from typing import NamedTuple

import pretty_midi


class DrumPlace(NamedTuple):
    """A place on the staff as a letter and an octave in treble clef, a note head by its MusicXML name, and a name."""

    letter: str
    octave: int
    head: str
    name: str


_PLACES = {
    35: ("F", 4, "normal"), 36: ("F", 4, "normal"),
    37: ("C", 5, "x"), 38: ("C", 5, "normal"), 39: ("E", 5, "x"), 40: ("C", 5, "normal"),
    41: ("G", 4, "normal"), 43: ("A", 4, "normal"), 45: ("B", 4, "normal"), 47: ("D", 5, "normal"),
    48: ("D", 5, "normal"), 50: ("E", 5, "normal"),
    42: ("G", 5, "x"), 44: ("D", 4, "x"), 46: ("G", 5, "circle-x"),
    49: ("A", 5, "x"), 57: ("A", 5, "x"), 52: ("B", 5, "x"), 55: ("B", 5, "x"),
    51: ("F", 5, "x"), 59: ("F", 5, "x"), 53: ("F", 5, "diamond"),
    54: ("E", 5, "triangle"), 56: ("E", 5, "triangle"),
}  # fmt: skip
_ELSEWHERE = ("G", 5, "triangle")


def drum_place(key: int) -> DrumPlace:
    """Return the place of the General MIDI drum of MIDI number `key`."""
    name = str(pretty_midi.note_number_to_drum_name(key)) or f"Drum {key}"
    return DrumPlace(*_PLACES.get(key, _ELSEWHERE), name)
