"""Played notes: onto the grid, beginning in the first bar, without the time in which a player looks for a key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.played_notes import MAX_PRESSES, Press, played_score
from musicdemo.music.score import Meter, Score

STEP_SECONDS = 60 / 120 / 12


def press(pitch: int, onset_steps: float, length_steps: float) -> Press:
    return Press(pitch, onset_steps * STEP_SECONDS, (onset_steps + length_steps) * STEP_SECONDS)


def rows(score: Score) -> list[tuple[int, int, int]]:
    return [(note.onset, note.pitch, note.duration) for track in score.tracks for note in track.notes]


presses = st.lists(
    st.builds(press, st.integers(21, 108), st.floats(0, 2000), st.floats(0, 60)), min_size=1, max_size=30
)


@settings(max_examples=60)
@given(presses, st.sampled_from([3, 4, 6, 12]), st.booleans())
def test_every_note_lies_on_the_grid_and_the_first_in_the_first_bar(pressed, grid, with_metronome):
    score = played_score(pressed, grid_steps=grid, with_metronome=with_metronome)
    notes = score.tracks[0].notes
    assert all(note.onset % grid == 0 for note in notes)
    assert all(note.duration % grid == 0 and note.duration >= grid for note in notes)
    assert notes[0].onset < 48 if with_metronome else notes[0].onset == 0
    assert {note.pitch for note in notes} <= {key.pitch for key in pressed}
    assert score == score.released(), "no pitch sounds twice at once"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 4), st.floats(-1.4, 1.4)), min_size=1, max_size=8))
def test_a_hand_that_is_off_by_less_than_half_a_grid_line_is_read_as_exact(played):
    # One pitch for each note, so that nothing is cut; the first, exact one gives the beginning.
    exact = [press(60, 0, 3), *(press(61 + i, 3 * at, 3 * length) for i, (at, length, _) in enumerate(played))]
    loose = [exact[0]]
    for clean, (_, _, slip) in zip(exact[1:], played, strict=True):
        moved = max(0.0, clean.pressed + slip * STEP_SECONDS)
        loose.append(Press(clean.pitch, moved, moved + clean.released - clean.pressed))
    assert rows(played_score(loose)) == rows(played_score(exact))


def test_with_a_metronome_whole_empty_bars_go_and_the_place_in_the_bar_stays():
    assert rows(played_score([press(60, 96 + 12, 12), press(62, 96 + 24, 12)], with_metronome=True)) == [
        (12, 60, 12), (24, 62, 12),
    ]  # fmt: skip


def test_without_a_metronome_a_long_silence_becomes_a_bar():
    pressed = [press(60, 300, 12), press(62, 300 + 12 + 500, 12), press(64, 300 + 12 + 500 + 24, 12)]
    assert rows(played_score(pressed)) == [(0, 60, 12), (60, 62, 12), (84, 64, 12)]
    assert rows(played_score(pressed, meter=Meter(3, 4))) == [(0, 60, 12), (48, 62, 12), (72, 64, 12)]


def test_tempo_says_how_long_a_second_is():
    assert rows(played_score([Press(60, 0, 1)], tempo=60)) == [(0, 60, 12)]
    assert rows(played_score([Press(60, 0, 1)], tempo=120)) == [(0, 60, 24)]


def test_the_same_key_at_the_same_moment_counts_once_and_the_longer_stands():
    assert rows(played_score([press(60, 0, 6), press(60, 0.2, 12)])) == [(0, 60, 12)]


def test_nothing_played_is_an_empty_score():
    assert played_score([]).note_count == 0


@pytest.mark.parametrize(
    "wrong",
    [
        [Press(128, 0, 1)], [Press(-1, 0, 1)], [Press(60, 2, 1)], [Press(60, -1, 1)], [Press(60, 0, 1e9)],
        [Press(60, float("nan"), 1)], [Press(60, 0, float("inf"))], [Press(60, 0, 1)] * (MAX_PRESSES + 1),
    ],
)  # fmt: skip
def test_what_no_keyboard_sends_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011  # two sentences, by what is wrong
        played_score(wrong)
