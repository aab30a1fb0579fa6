"""Laws of the measures of music, with small cases worked by hand."""

import math

import pytest
from hypothesis import given, settings

from musicdemo.music.metrics import (
    METRICS,
    groove_consistency,
    pitch_class_entropy,
    pitch_range,
    polyphony,
    scale_consistency,
)
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from tests.strategies import scores
from tests.tiny import tune

quick = settings(max_examples=60, deadline=None, derandomize=True)


def melody(*pitches: int, onsets: tuple[int, ...] = (), meter: Meter | None = None) -> Score:
    """Quarter notes one after the other, or at the given steps."""
    places = onsets or tuple(12 * i for i in range(len(pitches)))
    notes = tuple(Note(onset, pitch, 12) for onset, pitch in zip(places, pitches, strict=True))
    return Score((Track(notes),), (MeterChange(0, meter or Meter(4, 4)),))


def test_entropy_counts_bits_of_choice_among_pitch_classes() -> None:
    assert pitch_class_entropy(melody(60, 72, 48)) == 0  # C in three octaves
    assert pitch_class_entropy(melody(60, 62)) == pytest.approx(1)
    assert pitch_class_entropy(melody(60, 60, 62, 64)) == pytest.approx(1.5)  # 1/2, 1/4, 1/4
    assert pitch_class_entropy(melody(*range(60, 72))) == pytest.approx(math.log2(12))


def test_a_scale_is_consistent_with_itself_and_the_chromatic_scale_with_seven_twelfths() -> None:
    assert scale_consistency(melody(57, 59, 60, 62, 64, 65, 67)) == 1  # A minor
    assert scale_consistency(melody(60, 62, 64, 65, 67, 69, 71, 61)) == pytest.approx(7 / 8)
    assert scale_consistency(melody(*range(60, 72))) == pytest.approx(7 / 12)


def test_groove_compares_the_cells_of_neighbouring_bars() -> None:
    even = melody(*[60] * 8)
    assert groove_consistency(even) == 1
    shifted = melody(60, 60, onsets=(0, 48 + 3))  # one onset gone and another come, of 16 cells
    assert groove_consistency(shifted) == pytest.approx(1 - 2 / 16)
    waltz = melody(60, 60, 60, onsets=(0, 36, 72 + 12), meter=Meter(3, 4))
    assert groove_consistency(waltz) == pytest.approx(1 - (0 + 2 / 12) / 2)


def test_polyphony_is_the_mean_of_what_sounds_together_where_anything_does() -> None:
    chord = Track(tuple(Note(0, pitch, 12) for pitch in (60, 64, 67)))
    alone = Track((Note(36, 60, 12), Note(36, 72, 6)), voice=1)
    assert polyphony(Score((chord,))) == 3
    assert polyphony(Score((chord, alone))) == pytest.approx((3 * 12 + 12 + 6) / 24)
    doubled = Track((Note(0, 60, 12),), program=5)
    assert polyphony(Score((chord, doubled))) == 3  # one pitch twice is one pitch


def test_the_range_is_from_the_lowest_to_the_highest_note() -> None:
    assert pitch_range(melody(60, 48, 67)) == 19


@quick
@given(scores())
def test_figures_lie_in_their_ranges_and_drums_change_none(score: Score) -> None:
    limits = {
        "pitch-class entropy": (0, math.log2(12)),
        "scale consistency": (7 / 12, 1),
        "groove consistency": (0, 1),
        "polyphony": (1, 128),
        "pitch range": (0, 127),
    }
    for name, measure in METRICS.items():
        low, high = limits[name]
        value = measure(score)
        assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9
    melodic = Score(tuple(track for track in score.tracks if not track.is_drum), score.meters, score.tempos)
    for name in METRICS.keys() - {"groove consistency"}:  # bars of silence behind the last note are bars
        one, other = METRICS[name](score), METRICS[name](melodic)
        assert one == other or (math.isnan(one) and math.isnan(other))


def test_nothing_to_measure_is_no_number() -> None:
    for nothing in (Score(), tune(is_drum=True)):
        assert math.isnan(pitch_class_entropy(nothing)) and math.isnan(scale_consistency(nothing))
        assert math.isnan(polyphony(nothing)) and math.isnan(pitch_range(nothing))
    assert math.isnan(groove_consistency(Score()))
