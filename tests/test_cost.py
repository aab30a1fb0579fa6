"""Laws of the cost of wishes: by hand where it can be counted, and never more than what was written."""

import numpy as np
import pytest

from musicdemo.music.cost import wish_bits
from musicdemo.music.grammar import Grammar
from musicdemo.music.scales import Scale
from musicdemo.music.score import TrackKey
from musicdemo.music.vocabulary import PREDICTED, Column
from musicdemo.music.wishes import FixedNote, Wishes
from tests.walks import SIZES, random_scorer, simple_plan, start_row, walk

PIANO = frozenset({TrackKey(False, 0, 0)})


def cost_of(wished: Wishes, spread: float = 0.0) -> tuple[dict[str, float], list[list[int]]]:
    """Cost and events under a network that likes all values equally, or by chance."""
    plan, random = simple_plan(), np.random.default_rng(3)
    grammar = Grammar(plan, [start_row(plan)], wishes=wished)
    scorer = random_scorer(random, spread)
    said = {column: scorer(column) for column in PREDICTED}
    events = walk(grammar.copy(), lambda column: said[Column(column)], random)
    logits = {column: np.tile(scores, (len(events), 1)) for column, scores in said.items()}
    return wish_bits(grammar, events, logits), events.tolist()


def test_plain_wishes_cost_nothing() -> None:
    assert cost_of(Wishes(2, PIANO))[0] == {}


def test_a_key_costs_a_network_without_one_what_its_share_of_the_pitches_says() -> None:
    """One voice: at each new onset 75 of 128 pitches lie in C major; below a note that has just sounded, fewer."""
    bits, events = cost_of(Wishes(2, PIANO, scale=Scale(0, "major")))
    expected, pitches = 0.0, range(128)
    for number, row in enumerate(events[:-1]):
        onset_before = events[number - 1][Column.TIME] if number else 0
        together = place(row) == place(events[number - 1]) and row[Column.TIME] < 100 and bool(onset_before)
        top = events[number - 1][Column.PITCH] - 1 if together else 128
        below = [pitch for pitch in pitches if pitch < top]
        expected -= np.log2(sum(pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for pitch in below) / len(below))
    assert bits == {"key": pytest.approx(expected, abs=0.5)}  # times at which no pitch is left cost a little more


def place(row: list[int]) -> int:
    return (row[Column.TIME] - 4) % 96


def test_a_fixed_note_costs_what_the_network_held_against_it() -> None:
    """Where one note may sound and fills the bar, every value of it is the only one: the first kinds share the cost."""
    wished = Wishes(1, PIANO, fixed=(FixedNote(0, 60, 48, 80),), max_polyphony=1)
    bits, events = cost_of(wished)
    assert len(events) == 2
    free = Grammar(simple_plan(), [start_row(simple_plan())], wishes=Wishes(1, PIANO))
    expected = 0.0
    for row in events:
        for column in Column:
            if column in PREDICTED:
                scores = free.constrain(column, np.zeros(SIZES[column]))
                expected += (np.logaddexp.reduce(scores) - scores[row[column]]) / np.log(2)
            free.choose(column, row[column])
            if free.finished:
                break
    assert sum(bits.values()) == pytest.approx(expected)
    # The fixed note leaves the 68 pitches from it upwards; behind it, 48 ways to stay in the bar and 49 to leave it.
    assert bits["polyphony"] == pytest.approx(np.log2(68) + np.log2((48 + 49) / 49))


def test_the_kinds_add_up_to_the_cost_of_all() -> None:
    wished = Wishes(
        2, PIANO, fixed=(FixedNote(0, 61, 12),), scale=Scale(2, "minor"), max_polyphony=2, cadence=Scale(2, "minor")
    )
    bits, _ = cost_of(wished, 2.0)
    assert list(bits) == ["fixed notes", "key", "cadence", "polyphony"]
    assert sum(bits.values()) > 0 and bits["key"] > 0 and bits["fixed notes"] > 0
