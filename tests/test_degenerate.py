"""Degenerate music is told from music: each way of being stuck is named, and composers' pieces pass."""

import pytest

from musicdemo.music.degenerate import MAX_LOOP_BARS, MAX_SAME, flaw, measures
from musicdemo.music.score import Bar, Meter, Note, Score, Track
from musicdemo.seeds import Seed, shipped_seeds
from tests.tiny import tune

BAR = Meter().bar_steps


def bars(count: int) -> list[Bar]:
    return [Bar(number * BAR, Meter()) for number in range(count)]


def one_track(*notes: Note, is_drum: bool = False) -> Score:
    return Score((Track(notes, is_drum=is_drum),))


def test_one_pitch_again_and_again_is_named() -> None:
    def repeated(times: int) -> Score:
        return one_track(*(Note(12 * i, 60, 12) for i in range(times)), Note(12 * times, 62, 12))

    assert flaw(repeated(MAX_SAME), bars(7), None) == ""
    assert "same pitches 25 times" in flaw(repeated(MAX_SAME + 1), bars(7), None)


@pytest.mark.parametrize("period", [1, 2])
def test_a_loop_of_one_bar_or_two_is_named(period: int) -> None:
    def looped(count: int) -> Score:
        """Each bar of the period climbs from a pitch of its own."""
        notes = (Note(BAR * bar + 12 * i, 60 + 5 * (bar % period) + i, 12) for bar in range(count) for i in range(4))
        return one_track(*notes)

    longest = MAX_LOOP_BARS + period
    assert flaw(looped(longest), bars(longest), None) == ""
    assert f"takes {MAX_LOOP_BARS + 1} bars" in flaw(looped(longest + 1), bars(longest + 1), None)


def test_drums_may_loop_as_drums_do() -> None:
    beat = one_track(*(Note(12 * i, 36, 3) for i in range(4 * 16)), is_drum=True)
    assert flaw(beat, bars(16), beat) == ""


@pytest.mark.parametrize("onsets", [(0, 12, 24, 36, 47 + 96), (96, 97)], ids=["within", "before"])
def test_more_than_two_bars_in_which_nothing_sounds_are_named(onsets: tuple[int, ...]) -> None:
    score = one_track(*(Note(onset, 60 + i, 1) for i, onset in enumerate(onsets)))
    length = 4
    assert measures(score, bars(length), None).silent_bars >= 2
    late = one_track(*(Note(onset + 96 * (onset > 36), 60 + i, 1) for i, onset in enumerate(onsets)))
    assert "bars of silence" in flaw(late, bars(6), None)


def test_a_note_that_sounds_is_no_silence() -> None:
    assert flaw(one_track(Note(0, 60, 4 * BAR)), bars(4), None) == ""


def test_hardly_a_note_is_named_behind_a_seed_that_has_many() -> None:
    slow = one_track(*(Note(BAR * i, 60 + i, BAR) for i in range(8)))
    busy = one_track(*(Note(3 * i, 60 + i % 7, 3) for i in range(16 * 8)))
    assert "only 6%" in flaw(slow, bars(8), busy)
    assert flaw(slow, bars(8), slow) == flaw(slow, bars(8), None) == flaw(slow.clipped(0, BAR), bars(1), busy) == ""


@pytest.mark.parametrize("seed", shipped_seeds(), ids=lambda seed: seed.name)
def test_composed_pieces_pass(seed: Seed) -> None:
    assert flaw(seed.score, seed.score.bars, seed.score) == ""
    assert flaw(tune(bars=16), bars(16), tune()) == ""
