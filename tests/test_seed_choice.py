"""The bars that make the best seed: whole short pieces; of long ones no silence, no close, and the end of a phrase."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.score import Note, Score, TempoChange, Track
from musicdemo.music.seed_choice import MOST_BARS, WHOLE_BARS, best_bars
from tests.strategies import scores

BAR, BEAT = 48, 12


def bar_of_quarters(number: int) -> list[Note]:
    """Four quarters that are C major beyond doubt, but end on neither C nor G."""
    pitches = (60, 67, 64, (62, 65, 69, 71)[number % 4])
    return [Note(number * BAR + beat * BEAT, pitch, BEAT) for beat, pitch in enumerate(pitches)]


def tune(bars: int, *, long: frozenset[int] = frozenset(), empty: frozenset[int] = frozenset()) -> Score:
    """Quarters; but bars in `long` hold one C, and bars in `empty` nothing. Bars are counted from 1."""
    notes: list[Note] = []
    for number in range(bars):
        if number + 1 in long:
            notes.append(Note(number * BAR, 60, BAR))
        elif number + 1 not in empty:
            notes += bar_of_quarters(number)
    return Score((Track(tuple(notes)),))


@settings(max_examples=40)
@given(scores())
def test_the_choice_lies_in_the_piece_and_is_of_the_right_length(score):
    first, last = best_bars(score)
    length, bars = last - first + 1, len(score.bars)
    assert 1 <= first <= last <= bars
    assert length == bars if bars <= WHOLE_BARS else WHOLE_BARS <= length <= MOST_BARS


@settings(max_examples=40)
@given(scores(), st.integers(-3, 3))
def test_the_choice_does_not_depend_on_key_loudness_or_order_of_tracks(score, semitones):
    pitched = [t for t in score.tracks if not t.is_drum and all(3 <= n.pitch <= 124 for n in t.notes)]
    if not pitched:
        return
    score = replace(score, tracks=tuple(pitched))
    changed = score.transposed(semitones)
    softer = (replace(t, notes=tuple(replace(n, velocity=40) for n in t.notes)) for t in changed.tracks[::-1])
    assert best_bars(replace(changed, tracks=tuple(softer))) == best_bars(score)


@pytest.mark.parametrize("bars", range(1, WHOLE_BARS + 1))
def test_a_short_piece_is_taken_whole(bars):
    assert best_bars(tune(bars, empty=frozenset({2}) if bars > 2 else frozenset())) == (1, bars)


@pytest.mark.parametrize("last", [12, 17, 20, 30])
def test_a_phrase_that_ends_long_and_on_the_tonic_ends_the_choice(last):
    assert best_bars(tune(40, long=frozenset({last})))[1] == last


def test_of_two_phrases_the_passage_takes_both_ends():
    first, last = best_bars(tune(60, long=frozenset({20, 36})))
    assert (first, last) == (21, 36)


def test_bars_without_notes_are_left_out_where_they_can_be():
    for silent in ({9, 18, 35}, {12, 22}, {5, 14, 23, 32}):
        first, last = best_bars(tune(40, empty=frozenset(silent)))
        assert not silent & set(range(first, last + 1))
    first, last = best_bars(tune(40, empty=frozenset(range(1, 13)) | {22, 32}, long=frozenset({10, 31})))
    assert last == 31 and first >= 23


def test_the_last_bar_is_left_out_though_it_ends_on_the_tonic():
    assert best_bars(tune(40, long=frozenset({40})))[1] < 40
    assert best_bars(tune(9, long=frozenset({9}))) == (1, 8)


def test_a_slower_close_is_left_out():
    slowing = replace(tune(40, long=frozenset({36, 20})), tempos=(TempoChange(0, 120.0), TempoChange(34 * BAR, 80.0)))
    assert best_bars(slowing)[1] == 20
    steady = replace(slowing, tempos=(TempoChange(0, 120.0), TempoChange(34 * BAR, 110.0)))
    assert best_bars(steady)[1] == 36, "a tenth slower is still the same tempo"


def test_a_passage_as_dense_as_the_piece_is_preferred():
    sparse = [Note(number * BAR, 64, BEAT) for number in range(16)]
    dense = [note for number in range(16, 40) for note in bar_of_quarters(number)]
    assert best_bars(Score((Track((*sparse, *dense)),)))[0] >= 17


def test_drums_alone_have_a_best_passage_too():
    beats = [Note(beat * BEAT, 36, 3) for beat in range(4 * 40) if beat not in range(77, 80)]
    assert best_bars(Score((Track(tuple(beats), is_drum=True),)))[1] == 20, "it ends where the drums pause"


def test_a_score_without_notes_has_no_best_bars():
    with pytest.raises(ValueError, match="none"):
        best_bars(Score())
