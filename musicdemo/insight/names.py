"""What a note is called in a chart or a list: "F♯4" for a pitch, its drum's name for a drum.

Sharps alone: which of its names a pitch bears in a key is another room's work.
"""

from functools import cache

import pretty_midi

from musicdemo.music.harmony import PITCH_CLASSES
from musicdemo.music.vocabulary import DRUM_PITCH

_SHARPS = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


@cache
def note_name(pitch: int, *, is_drum: bool = False) -> str:
    """Name MIDI pitch 0-127, C4 being middle C, or the General MIDI drum of that key."""
    if is_drum:
        return str(pretty_midi.note_number_to_drum_name(pitch)) or f"Drum {pitch}"
    return f"{_SHARPS[pitch % PITCH_CLASSES]}{pitch // PITCH_CLASSES - 1}"


def value_name(value: int) -> str:
    """Name a value of column PITCH but 0."""
    is_drum = value >= DRUM_PITCH
    return note_name(value - (DRUM_PITCH if is_drum else 1), is_drum=is_drum)
