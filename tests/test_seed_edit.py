"""Edits of a seed: what is not named stays, what is named changes alone, and some notes are always left."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track, TrackKey
from musicdemo.music.seed_edit import SeedEdit
from tests.strategies import meters, scores

PIANO, DRUMS = TrackKey(False, 0, 0), TrackKey(True, 0, 0)
PIECE = Score(
    (
        Track(tuple(Note(48 * bar, 60 + bar, 48) for bar in range(6))),
        Track((Note(0, 36, 6), Note(192, 38, 6)), is_drum=True),
    )
)


def pitches(score: Score) -> list[int]:
    return [note.pitch for track in score.tracks for note in track.notes]


@settings(max_examples=30)
@given(scores())
def test_an_edit_that_names_nothing_changes_nothing(score):
    assert SeedEdit().apply(score) == score


@settings(max_examples=30)
@given(scores(), meters(), st.floats(10, 400))
def test_metre_and_tempo_change_no_note(score, meter, tempo):
    edited = SeedEdit(meter=meter, tempo=tempo).apply(score)
    assert edited.tracks == score.tracks
    assert edited.meters == (MeterChange(0, meter),)
    assert edited.tempos == (TempoChange(0, tempo),)


@settings(max_examples=30)
@given(scores(min_tracks=2), st.data())
def test_only_kept_tracks_are_left(score, data):
    kept = data.draw(st.sets(st.sampled_from([track.key for track in score.tracks]), min_size=1))
    assert SeedEdit(tracks=frozenset(kept)).apply(score).tracks == tuple(t for t in score.tracks if t.key in kept)


@settings(max_examples=30)
@given(scores(), st.integers(1, 12), st.integers(0, 12))
def test_a_cut_has_the_notes_that_begin_in_its_bars_and_some_always(score, first, more):
    edited = SeedEdit(bars=(first, first + more)).apply(score)
    bars = score.bars[first - 1 : first + more]
    inside = [n.pitch for t in score.tracks for n in t.notes if bars and bars[0].start <= n.onset < bars[-1].end]
    assume(inside)
    assert sorted(pitches(edited)) == sorted(inside)
    assert len(edited.bars) <= more + 1


def test_bars_are_counted_in_the_new_metre():
    assert pitches(SeedEdit(bars=(2, 3)).apply(PIECE)) == [61, 62]
    assert pitches(SeedEdit(meter=Meter(2, 4), bars=(3, 4)).apply(PIECE)) == [61]


def test_bars_without_a_note_of_the_kept_tracks_leave_the_piece_whole():
    assert pitches(SeedEdit(tracks=frozenset({DRUMS}), bars=(2, 3)).apply(PIECE)) == [36, 38]
    assert pitches(SeedEdit(bars=(90, 99)).apply(PIECE)) == pitches(PIECE)


@pytest.mark.parametrize(
    "edit",
    [
        lambda: SeedEdit(tracks=frozenset()), lambda: SeedEdit(tempo=5.0), lambda: SeedEdit(tempo=float("nan")),
        lambda: SeedEdit(bars=(0, 3)), lambda: SeedEdit(bars=(3, 2)),
        lambda: SeedEdit(tracks=frozenset({TrackKey(False, 99, 0)})).apply(PIECE),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(edit):
    with pytest.raises(ValueError):  # noqa: PT011  # each refusal has a sentence of its own
        edit()
