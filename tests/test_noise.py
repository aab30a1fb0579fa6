"""A seed made of noise: drawn from the number alone, within its scale, range and bars, and from all of it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicdemo.music.noise import DRAWN_SCALES, EIGHTH, MOST_BARS, PITCHES, VELOCITIES, noise_score
from musicdemo.music.scales import Scale, parse_scale
from musicdemo.music.score import Meter
from tests.strategies import meters

numbers = st.integers(0, 2**53 - 1)


@given(numbers, st.integers(1, MOST_BARS), meters())
def test_every_bar_is_filled_and_no_note_crosses_its_line(number, bars, meter):
    score = noise_score(number, bars=bars, meter=meter)
    assert score == noise_score(number, bars=bars, meter=meter), "the number alone decides"
    notes = score.tracks[0].notes
    assert notes[0].onset == 0
    assert all(one.end <= other.onset for one, other in pairwise(notes)), "one note at a time"
    assert all(note.onset // meter.bar_steps == (note.end - 1) // meter.bar_steps for note in notes)
    assert score.end <= bars * meter.bar_steps
    assert all(note.onset % meter.bar_steps % EIGHTH == 0 for note in notes)


@given(numbers, st.sampled_from(["D minor", "F# dorian", "C major pentatonic", "E blues"]))
def test_an_asked_scale_is_kept(number, name):
    scale = parse_scale(name)
    notes = noise_score(number, scale=scale).tracks[0].notes
    assert {note.pitch % 12 for note in notes} <= scale.pitch_classes
    assert all(note.pitch in PITCHES and note.velocity in VELOCITIES for note in notes)


@given(numbers)
def test_a_drawn_scale_is_one_of_those_that_are_named(number):
    used = {note.pitch % 12 for note in noise_score(number, bars=MOST_BARS).tracks[0].notes}
    scales = [Scale(tonic, name) for tonic in range(12) for name in DRAWN_SCALES]
    assert any(used <= scale.pitch_classes for scale in scales)


def test_other_numbers_give_other_music_and_every_pitch_of_the_scale_comes():
    pieces = [noise_score(number, scale=Scale(0, "major"), bars=MOST_BARS) for number in range(40)]
    assert len(set(pieces)) == len(pieces)
    assert {n.pitch for piece in pieces for n in piece.tracks[0].notes} == {
        pitch for pitch in range(60, 84) if pitch % 12 in (0, 2, 4, 5, 7, 9, 11)
    }


def test_rests_take_about_an_eighth_of_the_choices():
    silent = sounding = 0
    for number in range(100):
        notes = noise_score(number, bars=MOST_BARS, meter=Meter(1, 8)).tracks[0].notes
        sounding += len(notes) - 1  # the first is no choice
        silent += MOST_BARS - len(notes)
    # 1,500 choices at 1/8: three standard deviations are 0.026.
    assert silent / (silent + sounding) == pytest.approx(1 / 8, abs=0.026)


@pytest.mark.parametrize("bars", [0, 17])
def test_another_number_of_bars_is_refused(bars):
    with pytest.raises(ValueError, match=r"1-16 bars"):
        noise_score(1, bars=bars)
