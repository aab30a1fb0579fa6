"""Wishes: what one continuation asks for beyond the grammar, and which wishes contradict each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from musicdemo.music.harmony import PITCH_CLASSES
from musicdemo.music.instrument_ranges import PitchRange, range_of
from musicdemo.music.polyphony import Room
from musicdemo.music.scales import Scale
from musicdemo.music.score import Note, Score, TrackKey
from musicdemo.music.vocabulary import DURATIONS, MAX_VOICES

MAX_POLYPHONY = 128


@dataclass(frozen=True, slots=True)
class FixedNote:
    """A note that must stand: `onset` in steps from the first new bar line, `duration` one of DURATIONS.

    `velocity` is written to its step of 8; None leaves it to the network.
    """

    onset: int
    pitch: int
    duration: int
    velocity: int | None = None
    program: int = 0
    is_drum: bool = False
    voice: int = 0

    def __post_init__(self) -> None:
        Note(self.onset, self.pitch, self.duration, 1 if self.velocity is None else self.velocity)  # or a ValueError
        if self.duration not in DURATIONS:
            raise ValueError(f"a fixed note cannot last {self.duration} steps: take one of {DURATIONS}")
        if not (0 <= self.program <= 127 and 0 <= self.voice < MAX_VOICES):
            raise ValueError(f"a fixed note needs program 0-127 and voice 0-{MAX_VOICES - 1}, not {self}")

    @property
    def end(self) -> int:
        """First step after the note."""
        return self.onset + self.duration

    @property
    def key(self) -> TrackKey:
        """The track that plays it."""
        return TrackKey(self.is_drum, 0 if self.is_drum else self.program, self.voice)


@dataclass(frozen=True)
class Wishes:
    """What one continuation asks for beyond the grammar. Drums keep only `bars`, `tracks` and their fixed notes.

    `bars`: how many bars to write, after which the row ends, or None to write until the network says END.
    `tracks`: the tracks that may speak beside the fixed notes, or None for all.
    `max_empty_bars`: how many bars in a row may begin no note, and that only while an earlier note sounds; None for
    any silence. Where the other wishes let nothing begin, a bar may be empty all the same.
    `fixed`: notes that must stand as they are, whatever the other wishes say; the network writes around them.
    `cadence`: the last bar ends on the tonic triad of this scale, over its tonic in the bass (see cadence.py).
    `ranges`: which pitches a track may play; the first range that is about a track holds.
    `scale`: the pitch classes that may be played.
    `max_polyphony`: no note begins where this many (1-128) sound, fixed ones and those of the prompt included.
    """

    bars: int | None = None
    tracks: frozenset[TrackKey] | None = None
    max_empty_bars: int | None = 1
    fixed: tuple[FixedNote, ...] = ()
    cadence: Scale | None = None
    ranges: tuple[PitchRange, ...] = ()
    scale: Scale | None = None
    max_polyphony: int | None = None

    def __post_init__(self) -> None:
        if self.bars is not None and self.bars < 1:
            raise ValueError(f"bars must be at least 1, not {self.bars}")
        if self.tracks is not None and not self.tracks:
            raise ValueError("a continuation needs at least one track that may speak")
        if self.max_polyphony is not None and not 1 <= self.max_polyphony <= MAX_POLYPHONY:
            raise ValueError(f"the most notes at once must be 1-{MAX_POLYPHONY}, not {self.max_polyphony}")
        if self.bars is None and (self.fixed or self.cadence):
            raise ValueError("fixed notes and a cadence need a number of bars: say how many")
        for key in self.tracks or ():
            if not self.pitches(key):
                raise ValueError(f"the range of program {key.program} holds no note of the key: widen it")
        _check_fixed(self.fixed, self.max_polyphony)

    @property
    def are_plain(self) -> bool:
        """Whether nothing is asked for but bars, tracks and silence."""
        return not (self.fixed or self.cadence or self.ranges or self.scale or self.max_polyphony)

    def pitches(self, key: TrackKey) -> tuple[int, ...]:
        """Return the pitches that a track may play; all for drums."""
        if key.is_drum:
            return tuple(range(128))
        low, high = range_of(key, self.ranges)
        classes = range(PITCH_CLASSES) if self.scale is None else self.scale.pitch_classes
        return tuple(pitch for pitch in range(low, high + 1) if pitch % PITCH_CLASSES in classes)

    def stages(self) -> Iterator[tuple[str, "Wishes"]]:
        """Yield wishes that grow by one kind after another, from the plain ones to these, with the name of the kind."""
        grown = Wishes(self.bars, self.tracks, self.max_empty_bars)
        yield "grammar", grown
        for kind, field in _KINDS.items():
            if value := getattr(self, field):
                grown = replace(grown, **{field: value})
                yield kind, grown


_KINDS = {
    "fixed notes": "fixed",
    "range": "ranges",
    "key": "scale",
    "cadence": "cadence",
    "polyphony": "max_polyphony",
}
"""Kinds of wishes and their fields, in the order in which their cost is counted."""


def fixed_notes(score: Score) -> tuple[FixedNote, ...]:
    """Return the notes of a snapped score, whose step 0 is the first new bar line, as fixed notes."""
    return tuple(
        FixedNote(n.onset, n.pitch, n.duration, n.velocity, track.program, track.is_drum, track.voice)
        for track in score.tracks
        for n in track.notes
    )


def _check_fixed(fixed: tuple[FixedNote, ...], max_polyphony: int | None) -> None:
    for one, other in pairwise(sorted(fixed, key=lambda note: (note.key, note.pitch, note.onset))):
        if (one.key, one.pitch) == (other.key, other.pitch) and other.onset < one.end:
            raise ValueError(f"two fixed notes of one track and pitch overlap at step {other.onset}: leave one out")
    if max_polyphony is not None:
        room = Room(max_polyphony)
        for note in fixed:
            if not note.is_drum:
                room.take(note.onset, note.end)
        if room.is_overfull:
            raise ValueError(f"more fixed notes sound at once than {max_polyphony}: allow more at once")
