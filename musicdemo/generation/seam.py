"""The seam between a seed and what is written behind it: how new events become notes of the whole piece."""

from dataclasses import dataclass, replace

from musicdemo.decoding.stepper import Events
from musicdemo.music.score import Meter, MeterChange, Score, TempoChange
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import EMPTY_BAR, END, NEXT_BAR, SAME_BAR, Column


@dataclass(frozen=True, eq=False)
class Seam:
    """Where new bars begin (step `join`), in which metre and tempo; `seed` None where there is nothing before them."""

    seed: Score | None
    join: int
    meter: Meter
    tempo: float
    tokenizer: Tokenizer

    def score_of(self, events: Events) -> tuple[Score, int]:
        """Return the seed with new events (T, C) behind it, cut at the last bar line, and the number of new bars."""
        events = events[events[:, Column.TIME] != END]
        bars = sum(crosses_bar_line(int(time)) for time in events[:, Column.TIME])
        new = self.tokenizer.decode(events).clipped(0, max(1, bars * self.meter.bar_steps))
        new = replace(new.released(), meters=(MeterChange(0, self.meter),), tempos=(TempoChange(0, self.tempo),))
        return (new if self.seed is None else self.seed.joined(new, self.join)), bars

    def onset(self, time: int, bar: int) -> int:
        """Return the step of an event by its value of TIME and its new bar, counted from 0; the end is a bar line."""
        start = self.join + bar * self.meter.bar_steps
        if time == END:
            return start + self.meter.bar_steps
        if time < SAME_BAR:
            return start
        return start + time - (NEXT_BAR if time >= NEXT_BAR else SAME_BAR)


def crosses_bar_line(time: int) -> bool:
    """Say whether an event with this value of TIME begins a bar."""
    return time >= NEXT_BAR or time == EMPTY_BAR
