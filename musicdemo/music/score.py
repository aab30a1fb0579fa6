"""Score: the one currency for notes in this project.

Time is counted in grid steps, STEPS_PER_BEAT to a quarter note, so sixteenths and triplets fall on whole
numbers. Everything here is frozen; a change makes a new Score. Bytes, tokens and tensors are other rooms' work.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import NamedTuple

STEPS_PER_BEAT = 12
"""Grid steps in a quarter note."""

MAX_BAR_STEPS = 8 * STEPS_PER_BEAT
"""The longest bar that a Meter may have: eight quarter notes."""

DENOMINATORS = (2, 4, 8, 16)
MAX_NUMERATOR = 16
MIN_TEMPO, MAX_TEMPO = 10.0, 400.0
DEFAULT_TEMPO = 120.0


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note: onset and duration in grid steps, pitch a MIDI number (for drums the drum key), velocity 1-127."""

    onset: int
    pitch: int
    duration: int
    velocity: int = 80

    def __post_init__(self) -> None:
        if self.onset < 0 or self.duration < 1:
            raise ValueError(f"a note needs onset >= 0 and duration >= 1 steps, not {self.onset} and {self.duration}")
        if not (0 <= self.pitch <= 127 and 1 <= self.velocity <= 127):
            raise ValueError(f"a note needs pitch 0-127 and velocity 1-127, not {self.pitch} and {self.velocity}")

    @property
    def end(self) -> int:
        """First step after the note."""
        return self.onset + self.duration


class TrackKey(NamedTuple):
    """What tells tracks apart: drums sort last; `voice` counts tracks of one program (0 is the first)."""

    is_drum: bool
    program: int
    voice: int


@dataclass(frozen=True, slots=True)
class Track:
    """The notes of one player, sorted; program is a General MIDI number 0-127 (0 for drums)."""

    notes: tuple[Note, ...]
    program: int = 0
    is_drum: bool = False
    voice: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127 or self.voice < 0:
            raise ValueError(f"a track needs program 0-127 and voice >= 0, not {self.program} and {self.voice}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def key(self) -> TrackKey:
        """Identity of the track within its Score."""
        return TrackKey(self.is_drum, self.program, self.voice)


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature whose bar is a whole number of steps and at most MAX_BAR_STEPS long."""

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if self.denominator not in DENOMINATORS or not 1 <= self.numerator <= MAX_NUMERATOR:
            raise ValueError(f"metre {self} is outside 1-{MAX_NUMERATOR} over {DENOMINATORS}")
        if self.bar_steps > MAX_BAR_STEPS:
            raise ValueError(f"a bar of {self} is longer than {MAX_BAR_STEPS // STEPS_PER_BEAT} quarter notes")

    @property
    def bar_steps(self) -> int:
        """Length of a bar in steps."""
        return self.numerator * 4 * STEPS_PER_BEAT // self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True, slots=True)
class MeterChange:
    """From step `onset`, which is a bar line, bars are of `meter`."""

    onset: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From step `onset` the music moves at `tempo` quarter notes a minute."""

    onset: int
    tempo: float

    def __post_init__(self) -> None:
        if not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise ValueError(f"tempo must be {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute, not {self.tempo}")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its first step and its metre."""

    start: int
    meter: Meter

    @property
    def end(self) -> int:
        """First step after the bar."""
        return self.start + self.meter.bar_steps


@dataclass(frozen=True, slots=True)
class Score:
    """A piece on the grid. Track keys are unique; metre changes lie on bar lines, the first of each map at step 0."""

    tracks: tuple[Track, ...] = ()
    meters: tuple[MeterChange, ...] = (MeterChange(0, Meter()),)
    tempos: tuple[TempoChange, ...] = (TempoChange(0, DEFAULT_TEMPO),)
    title: str = ""

    def __post_init__(self) -> None:
        if len({track.key for track in self.tracks}) != len(self.tracks):
            raise ValueError("two tracks of a score share program, drums and voice")
        for changes in (self.meters, self.tempos):
            onsets = [change.onset for change in changes]
            if not onsets or onsets[0] != 0 or any(b <= a for a, b in pairwise(onsets)):
                raise ValueError(f"changes must begin at step 0 and ascend, not {onsets[:4]}")
        for before, after in pairwise(self.meters):
            if (after.onset - before.onset) % before.meter.bar_steps:
                raise ValueError(f"the metre changes at step {after.onset}, inside a bar of {before.meter}")

    @property
    def note_count(self) -> int:
        """Notes in all tracks."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def end(self) -> int:
        """First step after the last sounding note; 0 for an empty score."""
        return max((note.end for track in self.tracks for note in track.notes), default=0)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars in which anything sounds or that lie before such a bar."""
        end = self.end
        return tuple(takewhile(lambda bar: bar.start < end, self.iter_bars()))

    def iter_bars(self) -> Iterator[Bar]:
        """Yield bars from step 0 on, without end; the last metre goes on for ever."""
        bar_start = 0
        for change, following in zip(self.meters, (*self.meters[1:], None), strict=True):
            while following is None or bar_start < following.onset:
                yield Bar(bar_start, change.meter)
                bar_start += change.meter.bar_steps

    def tempo_at(self, step: int) -> float:
        """Quarter notes a minute at `step`."""
        return self.tempos[bisect_right(self.tempos, step, key=lambda change: change.onset) - 1].tempo

    def meter_at(self, step: int) -> Meter:
        """Metre of the bar that holds `step`."""
        return self.meters[bisect_right(self.meters, step, key=lambda change: change.onset) - 1].meter

    def seconds_at(self, step: float) -> float:
        """Playing time from the beginning to `step`, which may be a fraction."""
        seconds = 0.0
        for change, following in zip(self.tempos, (*self.tempos[1:], None), strict=True):
            until = step if following is None else min(step, following.onset)
            if until > change.onset:
                seconds += (until - change.onset) / STEPS_PER_BEAT * 60.0 / change.tempo
        return seconds

    def transposed(self, semitones: int) -> "Score":
        """Shift every pitch but drums by `semitones`; ValueError where a pitch would leave 0-127."""
        tracks = tuple(
            track
            if track.is_drum
            else replace(track, notes=tuple(replace(n, pitch=n.pitch + semitones) for n in track.notes))
            for track in self.tracks
        )
        return replace(self, tracks=tracks)

    def clipped(self, start: int, end: int) -> "Score":
        """Keep what begins in steps [start, end), cut notes at `end`, and move `start`, a bar line, to step 0."""
        tracks = tuple(replace(track, notes=_clip_notes(track.notes, start, end)) for track in self.tracks)
        meters = tuple(MeterChange(c.onset - start, c.meter) for c in self.meters if start < c.onset < end)
        tempos = tuple(TempoChange(c.onset - start, c.tempo) for c in self.tempos if start < c.onset < end)
        return replace(
            self,
            tracks=tuple(track for track in tracks if track.notes),
            meters=(MeterChange(0, self.meter_at(start)), *meters),
            tempos=(TempoChange(0, self.tempo_at(start)), *tempos),
        )

    def released(self) -> "Score":
        """End every note where its track strikes the same pitch again, as MIDI can hold no pitch twice."""
        return replace(self, tracks=tuple(replace(track, notes=_released(track.notes)) for track in self.tracks))

    def joined(self, other: "Score", at: int) -> "Score":
        """Lay `other` behind this score from step `at` on, a bar line; tracks of the same key are joined."""
        ours = {track.key: track for track in self.tracks}
        for track in other.tracks:
            base = ours.get(track.key, replace(track, notes=()))
            moved = tuple(replace(note, onset=note.onset + at) for note in track.notes)
            ours[track.key] = replace(base, notes=base.notes + moved)
        meters = [c for c in self.meters if c.onset < at] + [MeterChange(c.onset + at, c.meter) for c in other.meters]
        tempos = [c for c in self.tempos if c.onset < at] + [TempoChange(c.onset + at, c.tempo) for c in other.tempos]
        return replace(self, tracks=tuple(ours.values()), meters=_merged_meters(meters), tempos=_merged_tempos(tempos))


def _clip_notes(notes: tuple[Note, ...], start: int, end: int) -> tuple[Note, ...]:
    inside = (note for note in notes if start <= note.onset < end)
    return tuple(replace(n, onset=n.onset - start, duration=min(n.duration, end - n.onset)) for n in inside)


def _released(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Cut notes, in the order of their onsets, which differ for each pitch."""
    struck_again: dict[int, int] = {}
    released = []
    for note in reversed(notes):
        limit = struck_again.get(note.pitch, note.end)
        released.append(replace(note, duration=min(note.duration, limit - note.onset)))
        struck_again[note.pitch] = note.onset
    return tuple(released)


def _merged_meters(changes: list[MeterChange]) -> tuple[MeterChange, ...]:
    return tuple(c for i, c in enumerate(changes) if i == 0 or c.meter != changes[i - 1].meter)


def _merged_tempos(changes: list[TempoChange]) -> tuple[TempoChange, ...]:
    return tuple(c for i, c in enumerate(changes) if i == 0 or c.tempo != changes[i - 1].tempo)
