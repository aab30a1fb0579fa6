"""Seed edits: what a person changes about their own music before a network reads it. The music itself stays as it is.

Which notes are right or wrong is not decided here; reading (midi.py) repairs, and a person chooses.
"""

from dataclasses import dataclass, replace

from musicdemo.music.score import MAX_TEMPO, MIN_TEMPO, Meter, MeterChange, Score, TempoChange, TrackKey


@dataclass(frozen=True, slots=True)
class SeedEdit:
    """What of a score becomes the seed, and how it is meant; None leaves a thing as the score has it.

    `tracks`: the players that are kept. `meter`: one metre from the first step to the last; notes stay, bar lines move.
    `tempo`: one tempo, in quarter notes a minute. `bars`: first and last bar, counted from 1 in the metre that then
    holds.
    """

    tracks: frozenset[TrackKey] | None = None
    meter: Meter | None = None
    tempo: float | None = None
    bars: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.tracks is not None and not self.tracks:
            raise ValueError("a seed needs at least one track, or None to keep them all")
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise ValueError(f"tempo must be {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute, not {self.tempo}")
        if self.bars is not None and not 1 <= self.bars[0] <= self.bars[1]:
            raise ValueError(f"bars are a first and a last one, counted from 1, not {self.bars}")

    def without_cut(self, score: Score) -> Score:
        """Return all bars of the score, edited. Raises ValueError where it has none of the tracks."""
        edited = score if self.tracks is None else _with_tracks(score, self.tracks)
        if self.meter is not None:
            edited = replace(edited, meters=(MeterChange(0, self.meter),))
        if self.tempo is not None:
            edited = replace(edited, tempos=(TempoChange(0, self.tempo),))
        return edited

    def apply(self, score: Score) -> Score:
        """Return the seed: the edited score, cut to the bars; whole where they hold no note.

        Raises ValueError where the score has none of the tracks.
        """
        edited = self.without_cut(score)
        if self.bars is None:
            return edited
        bars = edited.bars[self.bars[0] - 1 : self.bars[1]]
        part = edited.clipped(bars[0].start, bars[-1].end) if bars else Score()
        return part if part.note_count else edited


def _with_tracks(score: Score, keys: frozenset[TrackKey]) -> Score:
    kept = tuple(track for track in score.tracks if track.key in keys)
    if not kept:
        raise ValueError("the score has none of these tracks")
    return replace(score, tracks=kept)
