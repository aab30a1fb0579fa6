"""Spelling: which of its names a pitch bears in a key, and the key's signature. Voice leading is left out."""

from typing import NamedTuple

from musicdemo.music.harmony import PITCH_CLASSES, Key

_LETTERS_BY_FIFTHS = "FCGDAEB"
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"♯": 1, "♭": -1}
_FIFTHS_BELOW = {"major": 3, "minor": 2}
"""How far the names used in a key reach below the tonic of the major key of its signature, in fifths."""


class Spelling(NamedTuple):
    """A letter A-G, its semitones up or down (1 is a sharp, -1 a flat), and the octave, in which C4 is middle C."""

    letter: str
    alter: int
    octave: int


def signature(key: Key | None) -> int:
    """Return the sharps of the key's signature, flats as a negative number, from -6 to 6; 0 without a key."""
    if key is None:
        return 0
    name = str(key)
    fifths = _LETTERS_BY_FIFTHS.index(name[0]) - 1 + 7 * _SIGNS.get(name[1], 0)
    return fifths - 3 if key.mode == "minor" else fifths


def spell(pitch: int, key: Key | None) -> Spelling:
    """Name MIDI pitch 0-127 as it is written in `key`, or in C major without one.

    A key uses twelve names in a row on the line of fifths: E♭ to G♯ in C major, B♭ to D♯ in A minor, so that raised
    steps are sharps and the lowered third and seventh of major flats. Temperley (2001, The Cognition of Basic Musical
    Structures, chapter 5) moves this window along with the music; ours stands still.
    """
    mode = "major" if key is None else key.mode
    lowest = signature(key) - _FIFTHS_BELOW[mode]
    # Seven fifths up are a semitone up: 7 * 7 = 49 = 1 (mod 12), so the fifths of a pitch class are 7 times it.
    fifths = lowest + (7 * pitch - lowest) % PITCH_CLASSES
    letter = _LETTERS_BY_FIFTHS[(fifths + 1) % 7]
    alter = (fifths + 1) // 7
    return Spelling(letter, alter, (pitch - _SEMITONES[letter] - alter) // PITCH_CLASSES - 1)


def signature_alter(letter: str, fifths: int) -> int:
    """Return what a signature of so many sharps (or, negative, flats) does to a letter: 1, 0 or -1."""
    place = _LETTERS_BY_FIFTHS.index(letter)
    return int(place < fifths) - int(place >= 7 + fifths)


def sounding_pitch(spelling: Spelling) -> int:
    """Return the MIDI pitch of a spelling."""
    return PITCH_CLASSES * (spelling.octave + 1) + _SEMITONES[spelling.letter] + spelling.alter
