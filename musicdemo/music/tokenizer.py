"""Score ⇄ events: one note is one event is one step of the network (see vocabulary.py for the columns).

Within an onset, events are ordered by program, voice, and falling pitch; drums come last. A piece begins with
START and ends with END; a bar in which nothing begins is the event EMPTY_BAR, so that every bar line is crossed by
exactly one event and the events alone tell the metre and tempo of each bar.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import TokenError
from musicdemo.music.cursor import BarPlan, Cursor
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    DURATIONS,
    EMPTY_BAR,
    END,
    MAX_VOICES,
    METER_VALUES,
    METERS,
    NEXT_BAR,
    PREDICTED,
    SAME_BAR,
    START,
    TEMPOS,
    VELOCITY_STEP,
    Column,
    column_sizes,
    duration_value,
    snapped_velocity,
    tempo_value,
)

FORMAT_VERSION = 1
Events = NDArray[np.int64]
PlacedNote = tuple[int, int, int, int, int, int]
"""Onset in steps, then values of PROGRAM, VOICE, PITCH, DURATION and VELOCITY."""


@dataclass(frozen=True)
class TokenizerConfig:
    """What can differ between two tokenizers: the styles that a network may be asked for, in order."""

    styles: tuple[str, ...] = ()
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise TokenError(f"this tokenizer is of format {self.format_version}; this release reads {FORMAT_VERSION}")
        if len(set(self.styles)) != len(self.styles):
            raise ValueError(f"a style is named twice: {self.styles}")


class Tokenizer:
    """Turn a Score into events and back; decode(encode(score)) == snapped(score)."""

    def __init__(self, config: TokenizerConfig | None = None) -> None:
        self.config = config or TokenizerConfig()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of each column."""
        return column_sizes(len(self.config.styles))

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each column, whether a network predicts it."""
        return tuple(column in PREDICTED for column in Column)

    def to_json(self) -> str:
        """Return the configuration, with the tables that it implies, as canonical JSON."""
        document: dict[str, Any] = asdict(self.config)
        document["columns"] = {column.name.lower(): size for column, size in zip(Column, self.sizes, strict=True)}
        document |= {"durations": DURATIONS, "tempos": TEMPOS, "meters": [str(meter) for meter in METERS]}
        return json.dumps(document, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Tokenizer":
        """Read what to_json wrote; TokenError if this release would understand its events otherwise."""
        try:
            document = json.loads(text)
            tokenizer = cls(TokenizerConfig(tuple(document["styles"]), document["format_version"]))
        except (ValueError, KeyError, TypeError) as error:
            raise TokenError("the tokenizer's file is not one that this release can read") from error
        if json.loads(tokenizer.to_json()) != document:
            raise TokenError("the tokenizer's tables differ from those of this release; use the release it came from")
        return tokenizer

    @property
    def digest(self) -> str:
        """SHA-256 of the tokenizer's JSON: two tokenizers with one digest mean the same by the same numbers."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def style_value(self, style: str) -> int:
        """Value of column STYLE; the empty string leaves it open. Raises ValueError for an unknown style."""
        if style and style not in self.config.styles:
            raise ValueError(f"unknown style {style!r}; there are: {', '.join(self.config.styles)}")
        return self.config.styles.index(style) + 1 if style else 0

    def snapped(self, score: Score) -> Score:
        """Return what events can hold of `score`: tracks in order and unnamed, one tempo mark a bar, snapped values.

        Voices beyond the last possible one join it; a pitch struck twice at one onset sounds once, for the longer time.
        """
        tracks = _snapped_tracks(score)
        bars = Score(tracks=tracks, meters=score.meters).bars
        if not bars:
            return Score()
        meters = [MeterChange(bar.start, bar.meter) for bar in bars]
        tempos = [TempoChange(bar.start, TEMPOS[tempo_value(score.tempo_at(bar.start)) - 1]) for bar in bars]
        return Score(
            tracks=tracks,
            meters=tuple(c for i, c in enumerate(meters) if i == 0 or c.meter != meters[i - 1].meter),
            tempos=tuple(c for i, c in enumerate(tempos) if i == 0 or c.tempo != tempos[i - 1].tempo),
        )

    def encode(self, score: Score, *, style: str = "") -> Events:
        """Return the events of `score`, START to END, shape (T, C).

        An empty score is START and END. Notes are snapped first.
        """
        snapped = self.snapped(score)
        cursor = Cursor(self.bar_plan(snapped), style=self.style_value(style))
        rows = [cursor.write_event((START, 0, 0, 0, 0, 0))]
        placed = sorted(_placed_notes(snapped), key=lambda note: (*note[:3], -note[3]))
        at = 0
        for bar in snapped.bars:
            first = at
            while at < len(placed) and placed[at][0] < bar.end:
                base = NEXT_BAR if at == first else SAME_BAR
                rows.append(cursor.write_event((base + placed[at][0] - bar.start, *placed[at][1:])))
                at += 1
            if at == first:
                rows.append(cursor.write_event((EMPTY_BAR, 0, 0, 0, 0, 0)))
        rows.append(cursor.write_event((END, 0, 0, 0, 0, 0)))
        return np.array(rows, dtype=np.int64)

    def bar_plan(self, score: Score) -> BarPlan:
        """Values of METER and TEMPO for each bar of `score`."""
        bars = score.bars or (next(score.iter_bars()),)
        return BarPlan(tuple((METER_VALUES[bar.meter], tempo_value(score.tempo_at(bar.start))) for bar in bars))

    def decode(self, events: Events) -> Score:
        """Return the Score of events (T, C); START and END may be missing.

        Raises TokenError for values that are out of range or that name no place in the music.
        """
        self._check(events)
        reader = _Reader()
        for row in events.tolist():
            reader.read(row)
        return reader.score()

    def describe(self, event: NDArray[np.int64]) -> dict[str, str]:
        """Say in words what each predicted column of one event (C,) means."""
        row = [int(value) for value in event]
        time = row[Column.TIME]
        if time < SAME_BAR:
            return {"time": ("nothing", "start", "end", "empty bar")[time]}
        pitch = row[Column.PITCH]
        in_next_bar = time >= NEXT_BAR
        return {
            "time": f"{'next' if in_next_bar else 'same'} bar + {time - (NEXT_BAR if in_next_bar else SAME_BAR)}",
            "program": "drums" if row[Column.PROGRAM] == DRUMS else str(row[Column.PROGRAM] - 1),
            "voice": str(row[Column.VOICE] - 1),
            "pitch": str(pitch - (DRUM_PITCH if pitch >= DRUM_PITCH else 1)),
            "duration": str(DURATIONS[row[Column.DURATION] - 1]),
            "velocity": str(_velocity(row[Column.VELOCITY])),
        }

    def _check(self, events: Events) -> None:
        if events.ndim != 2 or events.shape[1] != len(Column):
            raise TokenError(f"events must have the shape (T, {len(Column)}), not {events.shape}")
        wrong = np.argwhere((events < 0) | (events >= np.array(self.sizes)))
        if len(wrong):
            row, column = wrong[0]
            raise TokenError(f"event {row} has no such value of {Column(column).name}: {events[row, column]}")


class _Reader:
    """Collect the notes of events, one row at a time."""

    def __init__(self) -> None:
        self._notes: defaultdict[tuple[int, int], list[Note]] = defaultdict(list)
        self._meters: list[MeterChange] = []
        self._tempos: list[TempoChange] = []
        self._bar_start = self._bar_steps = 0

    def read(self, row: list[int]) -> None:
        """Read one event row."""
        time = row[Column.TIME]
        if time >= NEXT_BAR or time == EMPTY_BAR:
            self._cross_bar_line(row)
        if time >= SAME_BAR:
            position = time - (NEXT_BAR if time >= NEXT_BAR else SAME_BAR)
            if position >= self._bar_steps:
                raise TokenError(f"an event lies {position} steps into a bar of {self._bar_steps}")
            self._read_note(row, self._bar_start + position)

    def _cross_bar_line(self, row: list[int]) -> None:
        if not row[Column.METER] or not row[Column.TEMPO]:
            raise TokenError("an event that begins a bar says nothing of its metre or tempo")
        self._bar_start += self._bar_steps
        meter: Meter = METERS[row[Column.METER] - 1]
        self._bar_steps = meter.bar_steps
        tempo = float(TEMPOS[row[Column.TEMPO] - 1])
        if not self._meters or self._meters[-1].meter != meter:
            self._meters.append(MeterChange(self._bar_start, meter))
        if not self._tempos or self._tempos[-1].tempo != tempo:
            self._tempos.append(TempoChange(self._bar_start, tempo))

    def _read_note(self, row: list[int], onset: int) -> None:
        program, voice, pitch = row[Column.PROGRAM], row[Column.VOICE], row[Column.PITCH]
        duration, velocity = row[Column.DURATION], row[Column.VELOCITY]
        if not (program and voice and pitch and duration and velocity):
            raise TokenError(f"the note at step {onset} lacks a program, voice, pitch, duration or velocity")
        if (program == DRUMS) != (pitch >= DRUM_PITCH):
            raise TokenError(f"the note at step {onset} mixes drums and pitches")
        number = pitch - (DRUM_PITCH if program == DRUMS else 1)
        note = Note(onset, number, DURATIONS[duration - 1], _velocity(velocity))
        self._notes[program, voice].append(note)

    def score(self) -> Score:
        """Return what was read."""
        tracks = tuple(
            Track(
                notes=tuple(notes),
                program=0 if program == DRUMS else program - 1,
                is_drum=program == DRUMS,
                voice=voice - 1,
            )
            for (program, voice), notes in sorted(self._notes.items())
        )
        if not self._meters:
            return Score(tracks)
        return Score(tracks, tuple(self._meters), tuple(self._tempos))


def _velocity(value: int) -> int:
    return (value - 1) * VELOCITY_STEP + VELOCITY_STEP // 2


def _snapped_tracks(score: Score) -> tuple[Track, ...]:
    merged: defaultdict[tuple[bool, int, int], dict[tuple[int, int], Note]] = defaultdict(dict)
    for track in score.tracks:
        notes = merged[track.is_drum, 0 if track.is_drum else track.program, min(track.voice, MAX_VOICES - 1)]
        for note in track.notes:
            duration = DURATIONS[duration_value(note.duration) - 1]
            place = (note.onset, note.pitch)
            if place not in notes or duration > notes[place].duration:
                notes[place] = Note(note.onset, note.pitch, duration, snapped_velocity(note.velocity))
    return tuple(
        Track(tuple(notes.values()), program=program, is_drum=is_drum, voice=voice)
        for (is_drum, program, voice), notes in sorted(merged.items())
        if notes
    )


def _placed_notes(score: Score) -> Iterator[PlacedNote]:
    for track in score.tracks:
        program, base = (DRUMS, DRUM_PITCH) if track.is_drum else (track.program + 1, 1)
        for note in track.notes:
            velocity = note.velocity // VELOCITY_STEP + 1
            yield note.onset, program, track.voice + 1, note.pitch + base, duration_value(note.duration), velocity
