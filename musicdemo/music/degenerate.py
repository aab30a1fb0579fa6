"""Degenerate output: the ways in which a network gets stuck that no composer does, told by plain measures of new bars.

What networks fall into (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", for words): one pitch
again and again, a loop without end, silence, hardly a note. Each limit lies beyond what all but a few real pieces do:
of 4,285 passages of 8 and 16 bars in twelve corpora 0.2 to 0.3 % are beyond one. Drums may loop, as drums do, and so
the first two measures are of pitched notes alone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from musicdemo.music.score import Bar, Score

MAX_SAME = 24
"""Onsets in a row that may strike the same pitches and no others."""

MAX_LOOP_BARS = 5
"""Bars in a row that may be as the bar before them, or each as the bar before that."""

MAX_SILENT_BARS = 2.0
"""How long nothing at all may sound, in bars."""

MIN_DENSITY, DENSITY_BARS = 0.25, 8
"""Notes a bar, in proportion to the seed's, that there must be; fewer bars than these are too few to tell."""


class Measures(NamedTuple):
    """What the limits are about, in their order."""

    same: int
    loop_bars: int
    silent_bars: float
    density: float


def flaw(new: Score, bars: Sequence[Bar], seed: Score | None) -> str:
    """Say what is degenerate in new bars, of which `new` holds the notes, behind a seed; "" if nothing is."""
    found = measures(new, bars, seed)
    if found.same > MAX_SAME:
        return f"the same pitches {found.same} times in a row"
    if found.loop_bars > MAX_LOOP_BARS:
        return f"a loop that takes {found.loop_bars} bars"
    if found.silent_bars > MAX_SILENT_BARS:
        return f"{found.silent_bars:.1f} bars of silence"
    if len(bars) >= DENSITY_BARS and found.density < MIN_DENSITY:
        return f"only {found.density:.0%} of the notes a bar that the seed has"
    return ""


def measures(new: Score, bars: Sequence[Bar], seed: Score | None) -> Measures:
    """Measure new bars, of which `new` holds the notes, behind a seed (None: density is then 1)."""
    return Measures(_same(new), _loop_bars(new, bars), _silent_bars(new, bars), _density(new, bars, seed))


def _pitched(score: Score) -> list[tuple[int, int]]:
    """Onset and pitch of each note but drums, in order, each once."""
    return sorted({(n.onset, n.pitch) for track in score.tracks if not track.is_drum for n in track.notes})


def _same(new: Score) -> int:
    chords = [[pitch for _, pitch in notes] for _, notes in groupby(_pitched(new), key=lambda note: note[0])]
    return max((sum(1 for _ in run) for _, run in groupby(chords)), default=0)


def _loop_bars(new: Score, bars: Sequence[Bar]) -> int:
    """Count the most bars in a row that each repeat the bar before them, or each the bar before that."""
    notes = _pitched(new)
    contents = []
    for bar in bars:
        inside = notes[bisect_left(notes, (bar.start, 0)) : bisect_left(notes, (bar.end, 0))]
        contents.append([(onset - bar.start, pitch) for onset, pitch in inside])
    longest = 0
    for period in (1, 2):
        repeats = [bool(one) and one == before for one, before in zip(contents[period:], contents, strict=False)]
        longest = max(longest, *(sum(run) for _, run in groupby(repeats)), 0)
    return longest


def _silent_bars(new: Score, bars: Sequence[Bar]) -> float:
    if not bars:
        return 0.0
    start, end = bars[0].start, bars[-1].end
    sounding = sorted((n.onset, n.end) for track in new.tracks for n in track.notes)
    longest, heard = 0, start
    for onset, until in (*sounding, (end, end)):
        longest = max(longest, onset - heard)
        heard = max(heard, until)
    return longest * len(bars) / (end - start)


def _density(new: Score, bars: Sequence[Bar], seed: Score | None) -> float:
    if seed is None or not seed.note_count or not bars:
        return 1.0
    return (new.note_count / len(bars)) / (seed.note_count / len(seed.bars))
