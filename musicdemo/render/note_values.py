"""Note values: how a stretch of steps is written in a bar, as plain and triplet values, tied where one will not do.

The grid holds sixteenths and triplets, so both are exact. What sounds in the bar, and in which format it is written, is
left to others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from musicdemo.music.score import STEPS_PER_BEAT, Bar, Meter

_DOTTED_BEAT = 3 * STEPS_PER_BEAT // 2
_SIXTEENTH = STEPS_PER_BEAT // 4


@dataclass(frozen=True, slots=True)
class Value:
    """A written length: `base` in 32nds (32 is a whole note, 8 a quarter), at most one dot, perhaps of a triplet."""

    base: int
    is_dotted: bool = False
    is_triplet: bool = False

    @property
    def steps(self) -> int:
        """Length in grid steps; a plain 32nd, which is one and a half, is never written."""
        thirds = 2 if self.is_triplet else 3
        return self.base * thirds * (3 if self.is_dotted else 2) // 4

    @property
    def beams(self) -> int:
        """Beams or flags that the value has."""
        return max(0, 3 - (self.base.bit_length() - 1))


def _by_steps(*values: Value) -> dict[int, Value]:
    return {value.steps: value for value in sorted(values, key=lambda value: -value.steps)}


_PLAIN_VALUES = _by_steps(
    *(Value(base) for base in (64, 32, 16, 8, 4, 2)),
    *(Value(base, is_dotted=True) for base in (32, 16, 8, 4)),
)
_TRIPLET_VALUES = _by_steps(
    *(Value(base, is_triplet=True) for base in (32, 16, 8, 4, 2, 1)),
    *(Value(base, is_dotted=True, is_triplet=True) for base in (4, 2)),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Steps `start` to `end` of a bar, counted from its beginning, written in plain values or as one triplet."""

    start: int
    end: int
    is_triplet: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One written value at step `start` of the bar, and the triplet that it stands in, if any."""

    start: int
    value: Value
    triplet: Span | None = None

    @property
    def end(self) -> int:
        """First step of the bar after it."""
        return self.start + self.value.steps


def bar_spans(bar: Bar, cuts: Iterable[int]) -> list[Span]:
    """Part a bar into plain stretches and triplets, so that notes may begin or end at all `cuts` (steps of the bar)."""
    ordered = sorted(set(cuts))
    spans: list[Span] = []
    for start, size in _cells(bar.meter):
        for span in _spans_of_cell(start, size, ordered):
            if spans and not (span.is_triplet or spans[-1].is_triplet):
                span = Span(spans.pop().start, span.end)  # noqa: PLW2901  # plain stretches grow together
            spans.append(span)
    return spans


def written_pieces(start: int, end: int, meter: Meter, spans: Sequence[Span], *, is_rest: bool) -> list[Piece]:
    """Write steps `start` to `end` of a bar as values, in order; together they last as long.

    A note is cut where a triplet begins or ends, and where a reader would no longer see the beat.
    """
    pieces: list[Piece] = []
    for span in spans:
        now, until = max(start, span.start), min(end, span.end)
        while now < until:
            if span.is_triplet:
                piece = Piece(now, _longest_triplet_value(until - now), span)
            else:
                piece = Piece(now, _longest_plain_value(now, until - now, meter, is_rest=is_rest))
            pieces.append(piece)
            now = piece.end
    return pieces


def beat_steps(meter: Meter) -> int:
    """Return the length of a beat: a dotted one in metres such as 6/8, else a quarter or what is shorter below."""
    is_compound = meter.denominator >= 8 and meter.numerator % 3 == 0
    unit = min(STEPS_PER_BEAT, 4 * STEPS_PER_BEAT // meter.denominator)
    return 3 * unit if is_compound else unit


def beam_steps(meter: Meter) -> int:
    """Return how many steps one beam may span: a beat, but at least a quarter where beats are short."""
    beat = beat_steps(meter)
    return beat if beat in (_DOTTED_BEAT, _DOTTED_BEAT // 2) else STEPS_PER_BEAT


def _cells(meter: Meter) -> Iterator[tuple[int, int]]:
    """Yield (start, size) of the largest stretches of a bar that one triplet could fill."""
    sizes = (4, 2, 1) if meter.denominator <= 4 else ()
    steps = [*(size * STEPS_PER_BEAT for size in sizes), 2 * _SIXTEENTH, _SIXTEENTH]
    start = 0
    while start < meter.bar_steps:
        size = next(size for size in steps if start % size == 0 and start + size <= meter.bar_steps)
        yield start, size
        start += size


def _spans_of_cell(start: int, size: int, cuts: Sequence[int]) -> list[Span]:
    inner = [cut - start for cut in cuts if start < cut < start + size]
    if all(cut % _SIXTEENTH == 0 for cut in inner):
        return [Span(start, start + size)]
    half = size // 2
    is_long = size > STEPS_PER_BEAT
    if {cut * 3 for cut in inner} <= {size, 2 * size} or not (is_long or half in inner) or size == _SIXTEENTH:
        return [Span(start, start + size, is_triplet=True)]
    return _spans_of_cell(start, half, cuts) + _spans_of_cell(start + half, half, cuts)


def _longest_triplet_value(steps: int) -> Value:
    return next(value for length, value in _TRIPLET_VALUES.items() if length <= steps)


def _longest_plain_value(start: int, steps: int, meter: Meter, *, is_rest: bool) -> Value:
    if not is_rest and _is_syncopation(start, steps, meter):
        return _PLAIN_VALUES[steps]
    shows_beat = _rest_shows_beat if is_rest else _note_shows_beat
    return next(
        value for length, value in _PLAIN_VALUES.items() if length <= steps and shows_beat(start, length, meter)
    )


def _rest_shows_beat(start: int, length: int, meter: Meter) -> bool:
    beat = beat_steps(meter)
    if length > beat:
        return start % beat == 0 and length % beat == 0 and (beat % _DOTTED_BEAT == 0 or start % length == 0)
    return length == _SIXTEENTH or ((start % beat) % length == 0 and _lies_in_one(start, length, beat))


def _note_shows_beat(start: int, length: int, meter: Meter) -> bool:
    beat = beat_steps(meter)
    if _lies_in_one(start, length, beat):
        return True
    if start % beat:
        return False
    keeps_half = meter.numerator != 4 or start == 0 or _lies_in_one(start, length, 2 * STEPS_PER_BEAT)
    return length % beat == 0 or (beat == STEPS_PER_BEAT and keeps_half)


def _is_syncopation(start: int, length: int, meter: Meter) -> bool:
    """Say whether this is a quarter between two eighths, which is read at sight within one half of a bar."""
    beat = beat_steps(meter)
    is_between = beat == length == STEPS_PER_BEAT and start % beat == beat // 2
    return is_between and _lies_in_one(start, length, 2 * STEPS_PER_BEAT)


def _lies_in_one(start: int, length: int, unit: int) -> bool:
    return start // unit == (start + length - 1) // unit
