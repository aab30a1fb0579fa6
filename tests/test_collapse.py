"""Laws of the measures that tell beams apart, on music that can be counted by hand, and of the page they are on."""

import math

import pytest

from musicdemo.music.score import Note, Score, Track
from scripts.collapse import (
    HEAD,
    MARKS,
    PAGE,
    Passage,
    figures_of,
    heard,
    longest_run,
    measured,
    overlap,
    said_before,
)


def melody(*pitches: int, is_drum: bool = False, velocity: int = 80) -> Score:
    notes = tuple(Note(12 * i, pitch, 12, velocity) for i, pitch in enumerate(pitches))
    return Score((Track(notes, is_drum=is_drum),))


def test_a_figure_is_four_pitches_in_a_row_of_the_highest_notes() -> None:
    chord = Score((Track((*melody(60, 62, 64, 65, 67).tracks[0].notes, Note(12, 50, 12))),))
    assert figures_of(chord) == [(60, 62, 64, 65), (62, 64, 65, 67)]
    assert figures_of(melody(60, 62, 64)) == []


def test_what_was_said_before_is_the_share_of_figures_that_come_again() -> None:
    assert said_before(melody(60, 62, 64, 65)) == 0
    assert said_before(melody(60, 62, 60, 62, 60, 62)) == pytest.approx(1 / 3)  # three figures, two different ones
    assert said_before(melody(*[60] * 8)) == pytest.approx(4 / 5)
    assert math.isnan(said_before(melody(60)))


def test_the_longest_run_counts_how_often_one_pitch_is_struck() -> None:
    assert longest_run(melody(60, 62, 62, 62, 60, 60)) == 3
    assert longest_run(melody(60)) == 1
    assert longest_run(melody(36, 36, is_drum=True)) == longest_run(Score()) == 0


def test_two_passages_are_the_same_to_a_listener_whatever_their_loudness() -> None:
    assert heard(melody(60, 62)) == heard(melody(60, 62, velocity=40))
    assert overlap(heard(melody(60, 62)), heard(melody(60, 64))) == pytest.approx(1 / 3)
    assert math.isnan(overlap(frozenset(), frozenset()))


def test_a_row_of_the_table_counts_different_passages_and_what_pairs_share() -> None:
    same, other = Passage(melody(60, 62, 64, 65), 8.0), Passage(melody(60, 62, 64, 67), 4.0)
    cells = dict(zip(HEAD[2:], measured([[same, same, other], [other]]), strict=True))
    assert cells == {
        "different": "1.5",  # two behind the one tune, one behind the other
        "notes shared": "73 %",  # 1, 3/5 and 3/5
        "figures shared": "33 %",
        "longest run": "1.0",
        "said before": "0 %",
        "nats a note": "1.33",  # 5/3 and 1
        "notes": "4",
    }


def test_the_page_holds_the_tables_between_their_marks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for begin, end in MARKS.values():
        table = text.partition(begin)[2].partition(end)[0]
        assert "| different |" in table
        assert len(table.splitlines()) > 10
