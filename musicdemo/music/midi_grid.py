"""From ticks to grid steps: lays what symusic parsed on the grid of a Score and counts what had to give.

Rounding is to the nearest step, halves up. It leaves the bytes to midi_scan and the sentences on notes to midi.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import (
    DEFAULT_TEMPO,
    MAX_TEMPO,
    MIN_TEMPO,
    STEPS_PER_BEAT,
    Meter,
    MeterChange,
    Note,
    TempoChange,
    Track,
    TrackKey,
)

MAX_NOTE_STEPS = 32 * STEPS_PER_BEAT
"""Longer notes are cut: eight bars of 4/4."""

MAX_VOICES = 16
"""Tracks of one program that are kept apart; the surplus is merged into the last."""

MAX_METER_SENTENCES = 10
TEMPO_DECIMALS = 2


@dataclass
class GridTally:
    """What laying a file on the grid changed: sentences, and for the notes counts and moves in quarter notes."""

    repairs: list[str] = field(default_factory=list)
    moves: list[NDArray[np.float64]] = field(default_factory=list)
    merged: int = 0
    overlaps: int = 0
    long_notes: int = 0


def grid_steps(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.int64]:
    """Round ticks to the nearest grid step, halves up."""
    return (2 * STEPS_PER_BEAT * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def grid_moves(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.float64]:
    """Return how far the grid moves each tick, in quarter notes, never negative."""
    return np.abs(grid_steps(ticks, ticks_per_quarter) / STEPS_PER_BEAT - ticks / ticks_per_quarter)


def grid_tracks(parsed: ScoreTick, tally: GridTally) -> tuple[Track, ...]:
    """Return the tracks that hold notes, voices numbered in file order; drums are program 0."""
    voices: dict[TrackKey, list[TrackTick]] = {}
    counts: dict[tuple[bool, int], int] = defaultdict(int)
    for track in parsed.tracks:
        if len(track.notes):
            kind = (track.is_drum, 0 if track.is_drum else track.program)
            key = TrackKey(*kind, min(counts[kind], MAX_VOICES - 1))
            voices.setdefault(key, []).append(track)
            counts[kind] += 1
    surplus = sum(counts.values()) - len(voices)
    if surplus:
        tracks = "1 track was" if surplus == 1 else f"{surplus} tracks were"
        tally.repairs.append(f"{tracks} merged into the last of {MAX_VOICES} tracks of the same instrument")
    return tuple(
        Track(
            notes=_grid_notes(players, parsed.ticks_per_quarter, tally),
            program=key.program,
            is_drum=key.is_drum,
            voice=key.voice,
            name=clean_text(players[0].name),
        )
        for key, players in voices.items()
    )


def _grid_notes(players: Sequence[TrackTick], ticks_per_quarter: int, tally: GridTally) -> tuple[Note, ...]:
    columns = [player.notes.numpy() for player in players]
    ticks, durations, pitches, velocities = (
        np.concatenate([column[name] for column in columns]).astype(np.int64)
        for name in ("time", "duration", "pitch", "velocity")
    )
    tally.moves.append(grid_moves(ticks, ticks_per_quarter))
    onsets = grid_steps(ticks, ticks_per_quarter)
    ends = np.maximum(grid_steps(ticks + durations, ticks_per_quarter), onsets + 1)
    order = np.lexsort((-ends, onsets, pitches))
    rows = np.stack([pitches, onsets, ends, velocities], axis=1)[order].tolist()  # (N, 4)
    kept = _without_overlaps(rows, tally)
    return tuple(Note(onset, pitch, end - onset, velocity) for pitch, onset, end, velocity in kept)


def _without_overlaps(rows: list[list[int]], tally: GridTally) -> list[list[int]]:
    """Merge and cut rows (pitch, onset, end, velocity), sorted with the longest of one onset first."""
    kept: list[list[int]] = []
    for row in rows:
        pitch, onset, _, _ = row
        if kept and kept[-1][0] == pitch:
            if kept[-1][1] == onset:
                tally.merged += 1
                continue
            if kept[-1][2] > onset:
                tally.overlaps += 1
                kept[-1][2] = onset
        kept.append(row)
    for row in kept:
        if row[2] - row[1] > MAX_NOTE_STEPS:
            tally.long_notes += 1
            row[2] = row[1] + MAX_NOTE_STEPS
    return kept


def grid_tempos(parsed: ScoreTick, tally: GridTally) -> tuple[TempoChange, ...]:
    """Return the tempo map in quarter notes a minute, rounded to hundredths; 120 until a file says otherwise."""
    by_step = {0: DEFAULT_TEMPO}
    outside = 0
    for step, event in zip(_steps(parsed.tempos, parsed), parsed.tempos, strict=True):
        tempo = round(event.qpm, TEMPO_DECIMALS)
        outside += not MIN_TEMPO <= tempo <= MAX_TEMPO
        by_step[step] = min(max(tempo, MIN_TEMPO), MAX_TEMPO)
    if outside:
        tempos = "1 tempo was" if outside == 1 else f"{outside:,} tempos were"
        tally.repairs.append(f"{tempos} brought into {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute")
    changes: list[TempoChange] = []
    for step, tempo in sorted(by_step.items()):
        if not changes or changes[-1].tempo != tempo:
            changes.append(TempoChange(step, tempo))
    return tuple(changes)


def _steps(events: Iterable[TempoTick] | Iterable[TimeSignatureTick], parsed: ScoreTick) -> list[int]:
    ticks = np.array([event.time for event in events], dtype=np.int64)
    return [int(step) for step in grid_steps(ticks, parsed.ticks_per_quarter)]


def grid_meters(parsed: ScoreTick, tally: GridTally) -> tuple[MeterChange, ...]:
    """Return the metre map on bar lines: a change inside a bar ends it early, as a short bar of its own."""
    by_step: dict[int, tuple[int, int]] = {}
    for step, event in zip(_steps(parsed.time_signatures, parsed), parsed.time_signatures, strict=True):
        by_step[step] = (event.numerator, event.denominator)
    adjusted: list[str] = []
    changes = [MeterChange(0, Meter())]
    for step, (numerator, denominator) in sorted(by_step.items()):
        meter = _supported_meter(numerator, denominator)
        if str(meter) != f"{numerator}/{denominator}":
            adjusted.append(f"the metre {numerator}/{denominator} at quarter {_quarter(step)} became {meter}")
        _add_change(changes, step, meter, adjusted)
    tally.repairs += adjusted[:MAX_METER_SENTENCES]
    if len(adjusted) > MAX_METER_SENTENCES:
        tally.repairs.append(f"{len(adjusted) - MAX_METER_SENTENCES:,} more metre changes were adjusted likewise")
    return tuple(c for i, c in enumerate(changes) if i == 0 or c.meter != changes[i - 1].meter)


def _supported_meter(numerator: int, denominator: int) -> Meter:
    """Return the metre itself, one with as long a bar, or 4/4."""
    steps, rest = divmod(numerator * 4 * STEPS_PER_BEAT, denominator)
    for new_denominator in (denominator, 4, 2, 8, 16) if denominator < 8 else (denominator, 8, 16, 4, 2):
        found = None if rest else _meter_of(steps, new_denominator)
        if found:
            return found
    return Meter()


def _meter_of(steps: int, denominator: int) -> Meter | None:
    numerator, rest = divmod(steps * denominator, 4 * STEPS_PER_BEAT)
    try:
        return None if rest else Meter(numerator, denominator)
    except ValueError:
        return None


def _add_change(changes: list[MeterChange], step: int, meter: Meter, adjusted: list[str]) -> None:
    """Append a change at `step`, or, inside a bar that no short bar can end there, at the nearest bar line."""
    start, bar_steps = changes[-1].onset, changes[-1].meter.bar_steps
    step = max(step, start)
    rest = (step - start) % bar_steps
    if rest:
        short = next((found for found in (_meter_of(rest, d) for d in (4, 8, 16)) if found), None)
        if short:
            adjusted.append(f"a bar of {short} was put before the metre {meter} at quarter {_quarter(step)}")
            _place(changes, MeterChange(step - rest, short))
        else:
            bar_line = step - rest + (bar_steps if 2 * rest >= bar_steps else 0)
            places = f"from quarter {_quarter(step)} to the bar line at {_quarter(bar_line)}"
            adjusted.append(f"the metre {meter} moved {places}")
            step = bar_line
    _place(changes, MeterChange(step, meter))


def _place(changes: list[MeterChange], change: MeterChange) -> None:
    if changes[-1].onset == change.onset:
        changes.pop()
    changes.append(change)


def _quarter(step: int) -> str:
    return f"{step / STEPS_PER_BEAT:g}"
