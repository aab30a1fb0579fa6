"""Scales: the notes that a person asks for by a name such as "D minor" or "A dorian", and the chord they rest on."""

import re
from dataclasses import dataclass

from musicdemo.music.harmony import PITCH_CLASSES, detect_key
from musicdemo.music.score import Score

DETECTED = "detected"
"""The name that asks for the seed's own key."""

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 9, 10, 11),
    "natural minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
"""Semitones above the tonic. "minor" holds the sixth and the seventh both as they are and raised, as composers do."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_NAME = re.compile(rf"([A-Ga-g])([#♯b♭]?)[ -]+({'|'.join(SCALES)})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scale:
    """A tonic, a pitch class (C is 0), and the name of one of SCALES."""

    tonic: int
    name: str

    def __post_init__(self) -> None:
        if not 0 <= self.tonic < PITCH_CLASSES or self.name not in SCALES:
            raise ValueError(f"a scale needs a tonic 0-11 and a name among {', '.join(SCALES)}, not {self}")

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of the scale."""
        return self._classes(SCALES[self.name])

    @property
    def triad(self) -> frozenset[int]:
        """The pitch classes of the chord on the tonic: its third, major where there is one, and its fifth."""
        steps = SCALES[self.name]
        return self._classes((0, 4 if 4 in steps else 3, 7 if 7 in steps else 6))

    def _classes(self, steps: tuple[int, ...]) -> frozenset[int]:
        return frozenset((self.tonic + step) % PITCH_CLASSES for step in steps)


def parse_scale(text: str) -> Scale:
    """Read "D minor", "F# dorian" or "B♭ major pentatonic". Raises ValueError for anything else."""
    found = _NAME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"a key is a tonic and one of {', '.join(SCALES)}, as in D minor or F# dorian, not {text!r}")
    letter, accidental, name = found.groups()
    return Scale((_LETTERS[letter.upper()] + _ACCIDENTALS[accidental]) % PITCH_CLASSES, name.lower())


def asked_scale(name: str, seed: Score | None) -> Scale:
    """Return the scale of this name or, for "detected", that of the key of `seed`.

    Raises ValueError where nothing can be detected: name a key there.
    """
    if name != DETECTED:
        return parse_scale(name)
    key = None if seed is None else detect_key(seed)
    if key is None:
        raise ValueError("a key can only be detected in a seed of pitched notes: name one, as in D minor")
    return Scale(key.tonic, key.mode)
