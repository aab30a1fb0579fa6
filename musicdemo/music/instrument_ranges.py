"""Instrument ranges: the sounding pitches that the instrument of a General MIDI program can play, and ranges asked for.

Ranges of orchestral instruments are those of good players, from general knowledge of orchestration and not checked
entry by entry against a handbook; keyboards, synthesizers and effects get the compass of a piano.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from musicdemo.music.score import Score, TrackKey

PIANO = (21, 108)

RANGES = ("instrument", "seed")
"""The names under which ranges are asked for."""

SEED_MARGIN = 5
"""Semitones, a fourth, by which the range of a seed's track is widened on either side."""

_RANGES: Mapping[range, tuple[int, int]] = {
    range(8, 9): (60, 108),  # celesta
    range(9, 10): (79, 108),  # glockenspiel
    range(10, 11): (60, 84),  # music box
    range(11, 12): (53, 89),  # vibraphone
    range(12, 13): (36, 96),  # marimba
    range(13, 14): (65, 108),  # xylophone
    range(14, 15): (60, 77),  # tubular bells
    range(15, 16): (55, 93),  # dulcimer
    range(16, 21): (24, 108),  # organs, with a stop of 16 feet
    range(21, 22): (41, 93),  # accordion
    range(22, 23): (48, 98),  # harmonica
    range(23, 24): (36, 96),  # bandoneon
    range(24, 32): (40, 88),  # guitars
    range(32, 40): (23, 67),  # basses, with a fifth string
    range(40, 41): (55, 103),  # violin
    range(41, 42): (48, 91),  # viola
    range(42, 43): (36, 84),  # cello
    range(43, 44): (24, 67),  # double bass, with an extension
    range(44, 52): (24, 103),  # strings together
    range(46, 47): (23, 104),  # harp
    range(47, 48): (36, 60),  # timpani
    range(52, 55): (36, 84),  # choir and voices
    range(56, 57): (52, 87),  # trumpet
    range(57, 58): (34, 77),  # trombone
    range(58, 59): (26, 65),  # tuba
    range(59, 60): (52, 87),  # muted trumpet
    range(60, 61): (34, 77),  # horn
    range(61, 64): (26, 87),  # brass together
    range(64, 65): (56, 88),  # soprano saxophone
    range(65, 66): (49, 81),  # alto saxophone
    range(66, 67): (44, 76),  # tenor saxophone
    range(67, 68): (36, 69),  # baritone saxophone
    range(68, 69): (58, 93),  # oboe
    range(69, 70): (52, 81),  # English horn
    range(70, 71): (34, 75),  # bassoon
    range(71, 72): (50, 94),  # clarinet
    range(72, 73): (74, 108),  # piccolo
    range(73, 74): (59, 98),  # flute
    range(74, 76): (60, 98),  # recorder and pan flute
    range(76, 80): (55, 98),  # bottle, shakuhachi, whistle, ocarina
    range(104, 105): (48, 84),  # sitar
    range(105, 106): (48, 91),  # banjo
    range(106, 107): (45, 84),  # shamisen
    range(107, 108): (38, 88),  # koto
    range(108, 109): (48, 84),  # kalimba
    range(109, 110): (55, 84),  # bagpipe
    range(110, 111): (55, 103),  # fiddle
    range(111, 112): (55, 86),  # shawm
}
INSTRUMENT_RANGES = tuple(
    next((reach for programs, reach in reversed([*_RANGES.items()]) if program in programs), PIANO)
    for program in range(128)
)
"""Lowest and highest pitch of each program; the later of two entries of the table above holds."""


@dataclass(frozen=True, slots=True)
class PitchRange:
    """The pitches `low` to `high` (0-127), both included, for a program; `voice` None means all of its tracks."""

    program: int
    low: int
    high: int
    voice: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127 or (self.voice is not None and self.voice < 0):
            raise ValueError(f"a range needs a program 0-127 and a voice >= 0, not {self.program} and {self.voice}")
        if not 0 <= self.low <= self.high <= 127:
            raise ValueError(f"a range needs pitches 0-127, the lower first, not {self.low} to {self.high}")


def check_ranges(name: str | None) -> None:
    """Raise ValueError unless `name` is one of RANGES or None."""
    if name is not None and name not in RANGES:
        raise ValueError(f"ranges are of one of {', '.join(RANGES)}, not {name!r}")


def asked_ranges(name: str | None, seed: Score | None) -> tuple[PitchRange, ...]:
    """Return the ranges of this name; ValueError where it asks for those of a seed and there is none."""
    check_ranges(name)
    if name == "seed" and seed is None:
        raise ValueError("the ranges of a seed need a seed: take those of the instrument, or name them")
    return () if name is None else playable_ranges() if seed is None or name == "instrument" else seed_ranges(seed)


def playable_ranges() -> tuple[PitchRange, ...]:
    """Return for each program what its instrument can play."""
    return tuple(PitchRange(program, low, high) for program, (low, high) in enumerate(INSTRUMENT_RANGES))


def seed_ranges(seed: Score) -> tuple[PitchRange, ...]:
    """Return for each pitched track what it plays in `seed`, widened by SEED_MARGIN semitones on either side."""
    ranges = []
    for track in seed.tracks:
        if track.notes and not track.is_drum:
            pitches = [note.pitch for note in track.notes]
            low, high = max(0, min(pitches) - SEED_MARGIN), min(127, max(pitches) + SEED_MARGIN)
            ranges.append(PitchRange(track.program, low, high, track.voice))
    return tuple(ranges)


def range_of(key: TrackKey, ranges: tuple[PitchRange, ...]) -> tuple[int, int]:
    """Return lowest and highest pitch of a track: those of the first range that is about it, or else all."""
    for reach in ranges:
        if reach.program == key.program and reach.voice in (None, key.voice):
            return reach.low, reach.high
    return 0, 127
