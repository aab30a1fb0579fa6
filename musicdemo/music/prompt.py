"""Prompts: the part of a seed that a network reads before it goes on, and the tempo at which it goes on."""

from musicdemo.music.score import Score

MAX_SEED_BARS, MAX_SEED_EVENTS = 64, 2000
"""A network reads at most this much of the end of a seed."""


def recent(seed: Score) -> Score:
    """Return the end of a seed: whole bars, at most MAX_SEED_BARS of them and about MAX_SEED_EVENTS notes."""
    bars = seed.bars[-MAX_SEED_BARS:]
    onsets = sorted(note.onset for track in seed.tracks for note in track.notes)
    if len(onsets) > MAX_SEED_EVENTS:
        earliest = onsets[-MAX_SEED_EVENTS]
        bars = tuple(bar for bar in bars if bar.start >= earliest) or bars[-1:]
    return seed.clipped(bars[0].start, bars[-1].end) if bars[0].start else seed


def prevailing_tempo(score: Score) -> float:
    """Return the tempo that rules for the longest part of a score."""
    ends = [*(change.onset for change in score.tempos[1:]), max(score.end, score.tempos[-1].onset + 1)]
    lasting: dict[float, int] = {}
    for change, end in zip(score.tempos, ends, strict=True):
        lasting[change.tempo] = lasting.get(change.tempo, 0) + end - change.onset
    return max(lasting, key=lambda tempo: lasting[tempo])
