"""What the laws of the grammar walk with: plans of bars, scorers in place of a network, and rows drawn by the rules."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.stepper import Events
from musicdemo.music.cursor import BarPlan
from musicdemo.music.grammar import Grammar
from musicdemo.music.score import Meter, Score
from musicdemo.music.vocabulary import EMPTY_BAR, METER_VALUES, NEXT_BAR, PREDICTED, START, Column, tempo_value
from tests.tiny import TOKENIZER

SIZES = TOKENIZER.sizes
Scorer = Callable[[int], NDArray[np.float64]]
"""Logits for a column."""


def plan_of(score: Score) -> BarPlan:
    return TOKENIZER.bar_plan(TOKENIZER.snapped(score))


def simple_plan(meter: Meter = Meter(4, 4)) -> BarPlan:  # noqa: B008  # frozen
    return BarPlan(((METER_VALUES[meter], tempo_value(120)),))


def start_row(plan: BarPlan, style: int = 0) -> list[int]:
    return [style, *plan.at(0), 0, START, *[0] * (len(Column) - 1 - Column.TIME)]


def follow(grammar: Grammar, row: list[int]) -> None:
    """Write a row, asserting that each of its values is given, or allowed."""
    for column in Column:
        if column in PREDICTED:
            assert np.isfinite(grammar.constrain(column, np.zeros(SIZES[column]))[row[column]]), column.name
        else:
            assert grammar.given(column) == row[column], column.name
        grammar.choose(column, row[column])
        if grammar.finished:
            assert not any(row[column + 1 :])
            return


def drawn(grammar: Grammar, scorer: Scorer, random: np.random.Generator) -> list[int]:
    """Write one event, drawn from the allowed part of the scorer's logits by the Gumbel-max trick."""
    row = [0] * len(Column)
    for column in Column:
        if column in PREDICTED:
            allowed = grammar.constrain(column, scorer(column))
            assert np.isfinite(allowed).any() and not np.isnan(allowed).any()
            forced = grammar.forced(column)
            assert forced is None or np.flatnonzero(np.isfinite(allowed)).tolist() == [forced], column.name
            row[column] = int((allowed + random.gumbel(size=len(allowed))).argmax())
        else:
            row[column] = grammar.given(column)
        grammar.choose(column, row[column])
        if grammar.finished:
            break
    return row


def walk(grammar: Grammar, scorer: Scorer, random: np.random.Generator, *, max_events: int = 3000) -> Events:
    """Write events until the row ends."""
    rows: list[list[int]] = []
    while len(rows) < max_events:
        rows.append(drawn(grammar, scorer, random))
        if grammar.finished:
            break
    return np.array(rows, dtype=np.int64)


def random_scorer(random: np.random.Generator, spread: float) -> Scorer:
    return lambda column: spread * random.normal(size=SIZES[column])


def bars_begun(events: Events) -> int:
    time = events[:, Column.TIME]
    return int(((time >= NEXT_BAR) | (time == EMPTY_BAR)).sum())
