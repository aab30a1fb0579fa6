"""Harmony: the key that a piece is in, and the notes of its scale. Chords and spelling of single notes are left out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.score import Score

PITCH_CLASSES = 12

Mode = Literal["major", "minor"]

# Probe-tone ratings: Krumhansl & Kessler 1982; Krumhansl 1990, Cognitive Foundations of Musical Pitch, table 2.1.
_PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
_SCALES: dict[Mode, tuple[int, ...]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_TONICS: dict[Mode, tuple[str, ...]] = {
    "major": ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"),
    "minor": ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"),
}
_STANDARD_PROFILES = np.array(
    [
        np.roll((np.array(profile) - np.mean(profile)) / np.std(profile), tonic)
        for profile in _PROFILES.values()
        for tonic in range(PITCH_CLASSES)
    ]
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: tonic as a pitch class (C is 0) and mode. As a string it is spelled with the fewest accidentals."""

    tonic: int
    mode: Mode

    def __post_init__(self) -> None:
        if not 0 <= self.tonic < PITCH_CLASSES or self.mode not in _SCALES:
            raise ValueError(f"a key needs a tonic 0-11 and mode major or minor, not {self.tonic} and {self.mode!r}")

    def __str__(self) -> str:
        return f"{_TONICS[self.mode][self.tonic]} {self.mode}"


def scale(key: Key) -> tuple[int, ...]:
    """Return the seven pitch classes of the major or natural minor scale, from the tonic up."""
    return tuple((key.tonic + interval) % PITCH_CLASSES for interval in _SCALES[key.mode])


def detect_key(score: Score) -> Key | None:
    """Find the key whose profile correlates best with how long each pitch class sounds; drums do not count.

    The algorithm of Krumhansl & Schmuckler (Krumhansl 1990, chapter 4); Temperley 1999, "What's Key for Key?", tells
    where it errs. It returns None where no pitch sounds, or all twelve sound equally long. One key is found for the
    whole piece: where the music moves through several, the one that is there longest tends to win.
    """
    histogram = pitch_class_steps(score)
    if np.ptp(histogram) == 0:
        return None
    keys = [Key(tonic, mode) for mode in _PROFILES for tonic in range(PITCH_CLASSES)]
    return max(keys, key=lambda key: _correlation(histogram, key))


def key_scores(pitch_classes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Score all 24 keys, the major ones from C up and then the minor ones, by weights of pitch classes (12,).

    In proportion to the correlation that detect_key takes the best of, but in one product.
    """
    return np.asarray(_STANDARD_PROFILES @ pitch_classes)


def pitch_class_steps(score: Score) -> NDArray[np.float64]:
    """Return for how many steps each pitch class sounds, shape (12,); drums do not count."""
    notes = [note for track in score.tracks if not track.is_drum for note in track.notes]
    steps = np.zeros(PITCH_CLASSES)
    np.add.at(steps, [note.pitch % PITCH_CLASSES for note in notes], [note.duration for note in notes])
    return steps


def _correlation(histogram: NDArray[np.float64], key: Key) -> float:
    # Turning the histogram, not the profile, keeps the sum in the same order from the tonic in every key,
    # so that a transposed piece gets bit for bit the same correlations.
    from_tonic = np.roll(histogram, -key.tonic)
    return float(np.corrcoef(from_tonic, _PROFILES[key.mode])[0, 1])
