"""Notes that a visitor plays on keys: from presses in seconds to a Score on the grid.

Sound and keys are the page's; here a press is (pitch, pressed at, released at), seconds from a bar line where a
metronome ran and from any moment otherwise.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from musicdemo.music.score import DEFAULT_TEMPO, STEPS_PER_BEAT, Meter, MeterChange, Note, Score, TempoChange, Track

USUAL_METER = Meter()
MAX_PRESSES = 2_000
MAX_SECONDS = 3_600.0
SIXTEENTH = STEPS_PER_BEAT // 4


class Press(NamedTuple):
    """One key pressed and released."""

    pitch: int
    pressed: float
    released: float


def played_score(
    presses: Sequence[Press],
    *,
    tempo: float = DEFAULT_TEMPO,
    meter: Meter = USUAL_METER,
    grid_steps: int = SIXTEENTH,
    program: int = 0,
    with_metronome: bool = False,
) -> Score:
    """Put presses on a grid of `grid_steps`: onsets to the nearest line, lengths to the nearest but at least one.

    With a metronome the bars before the first note are left out; without one the first note begins the first bar, and
    a silence of more than a bar, in which a player was looking for a key, is shortened to whole grid lines of one bar.

    Raises ValueError for presses that no keyboard sends.
    """
    step_seconds = 60.0 / tempo / STEPS_PER_BEAT
    notes = sorted(_on_grid(press, grid_steps, step_seconds) for press in _checked(presses))
    if with_metronome:
        notes = _moved(notes, -(notes[0].onset // meter.bar_steps * meter.bar_steps) if notes else 0)
    else:
        notes = _without_long_silence(_moved(notes, -notes[0].onset if notes else 0), meter.bar_steps, grid_steps)
    once = {(note.onset, note.pitch): note for note in sorted(notes, key=lambda note: note.duration)}
    track = Track(tuple(once.values()), program)
    return Score((track,), (MeterChange(0, meter),), (TempoChange(0, tempo),)).released() if once else Score()


def _checked(presses: Sequence[Press]) -> Sequence[Press]:
    if len(presses) > MAX_PRESSES:
        raise ValueError(f"at most {MAX_PRESSES} notes can be taken over, not {len(presses)}")
    for press in presses:
        if not (0 <= press.pitch <= 127 and 0 <= press.pressed <= press.released <= MAX_SECONDS):
            raise ValueError(f"a press has a pitch 0-127 and ends within {MAX_SECONDS:g} s, not {press}")
    return presses


def _on_grid(press: Press, grid_steps: int, step_seconds: float) -> Note:
    onset, length = (
        math.floor(seconds / step_seconds / grid_steps + 0.5)
        for seconds in (press.pressed, press.released - press.pressed)
    )
    return Note(onset * grid_steps, press.pitch, max(1, length) * grid_steps)


def _moved(notes: list[Note], steps: int) -> list[Note]:
    return [replace(note, onset=note.onset + steps) for note in notes]


def _without_long_silence(notes: list[Note], bar_steps: int, grid_steps: int) -> list[Note]:
    longest = max(grid_steps, bar_steps // grid_steps * grid_steps)
    shortened: list[Note] = []
    saved, end = 0, 0
    for note in notes:
        saved += max(0, note.onset - saved - end - longest)
        shortened.append(replace(note, onset=note.onset - saved))
        end = max(end, shortened[-1].end)
    return shortened
