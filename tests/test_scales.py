"""Laws of scales and ranges: what names mean, and what the instruments of the shipped seeds can play."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.harmony import Key, scale
from musicdemo.music.instrument_ranges import (
    INSTRUMENT_RANGES,
    PIANO,
    PitchRange,
    asked_ranges,
    playable_ranges,
    range_of,
    seed_ranges,
)
from musicdemo.music.scales import DETECTED, SCALES, Scale, asked_scale, parse_scale
from musicdemo.music.score import Note, Score, Track, TrackKey
from musicdemo.seeds import shipped_seeds
from tests.tiny import tune

quick = settings(max_examples=50, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "tonic", "name"),
    [
        *(("C major", 0, "major"), ("D minor", 2, "minor"), ("f# dorian", 6, "dorian"), ("B♭ Blues", 10, "blues")),
        *(("Cb major", 11, "major"), ("E♯ natural minor", 5, "natural minor")),
        ("A-minor pentatonic", 9, "minor pentatonic"),
    ],
)
def test_a_scale_is_a_tonic_and_a_name(text: str, tonic: int, name: str) -> None:
    assert parse_scale(text) == Scale(tonic, name)


@pytest.mark.parametrize("text", ["", "D", "minor", "H minor", "D minor seventh", "D## minor", "detected", "Dminor"])
def test_what_is_no_scale_is_refused_in_a_sentence_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="as in D minor"):
        parse_scale(text)


@quick
@given(st.integers(0, 11), st.sampled_from(sorted(SCALES)))
def test_a_scale_moves_with_its_tonic_and_holds_its_triad(tonic: int, name: str) -> None:
    here, at_c = Scale(tonic, name), Scale(0, name)
    assert here.pitch_classes == {(note + tonic) % 12 for note in at_c.pitch_classes}
    assert here.triad <= here.pitch_classes and tonic in here.triad and len(here.triad) == 3


@pytest.mark.parametrize("tonic", range(12))
def test_scales_agree_with_the_keys_of_harmony(tonic: int) -> None:
    assert Scale(tonic, "major").pitch_classes == set(scale(Key(tonic, "major")))
    assert Scale(tonic, "natural minor").pitch_classes == set(scale(Key(tonic, "minor")))
    raised = Scale(tonic, "harmonic minor").pitch_classes | Scale(tonic, "melodic minor").pitch_classes
    assert Scale(tonic, "minor").pitch_classes == Scale(tonic, "natural minor").pitch_classes | raised


def test_a_detected_scale_is_the_key_of_the_seed() -> None:
    assert asked_scale(DETECTED, tune(bars=4)) == Scale(0, "major")
    assert asked_scale("A dorian", None) == Scale(9, "dorian")
    for nothing in (None, tune(is_drum=True)):
        with pytest.raises(ValueError, match="name one"):
            asked_scale(DETECTED, nothing)


def test_every_program_has_a_range_and_strings_sit_in_their_order() -> None:
    assert len(INSTRUMENT_RANGES) == 128 and all(0 <= low < high <= 127 for low, high in INSTRUMENT_RANGES)
    assert INSTRUMENT_RANGES[0] == PIANO
    lows = [INSTRUMENT_RANGES[program][0] for program in (43, 42, 41, 40)]  # double bass to violin: the open strings
    assert lows == [24, 36, 48, 55]


@pytest.mark.parametrize("seed", shipped_seeds(), ids=lambda seed: seed.name)
def test_the_shipped_seeds_can_be_played_on_their_instruments(seed: object) -> None:
    for track in seed.score.tracks:  # type: ignore[attr-defined]  # pytest's ids
        low, high = (0, 127) if track.is_drum else INSTRUMENT_RANGES[track.program]
        assert all(low <= note.pitch <= high for note in track.notes)


def test_the_first_range_that_is_about_a_track_holds() -> None:
    ranges = (PitchRange(40, 60, 70, voice=1), PitchRange(40, 50, 80), *playable_ranges())
    reaches = [range_of(TrackKey(False, *track), ranges) for track in ((40, 1), (40, 0), (0, 0))]
    assert reaches == [(60, 70), (50, 80), PIANO]


def test_a_seed_s_ranges_are_its_tracks_and_a_fourth_beyond() -> None:
    score = Score((Track((Note(0, 60, 1), Note(1, 72, 1)), 40), Track((Note(0, 2, 1), Note(0, 126, 1)), 40, voice=1)))
    assert seed_ranges(score) == (PitchRange(40, 55, 77, 0), PitchRange(40, 0, 127, 1))
    assert asked_ranges("seed", score) == seed_ranges(score) and asked_ranges(None, score) == ()
    with pytest.raises(ValueError, match="need a seed"):
        asked_ranges("seed", None)
    with pytest.raises(ValueError, match="instrument, seed"):
        asked_ranges("voice", score)
