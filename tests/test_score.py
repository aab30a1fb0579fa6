"""Laws of the Score: what it refuses, its bars and seconds, and how it is cut, joined and transposed."""

from collections.abc import Callable
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.score import Bar, Meter, MeterChange, Note, Score, TempoChange, Track, TrackKey
from tests.strategies import scores

quick = settings(max_examples=60, deadline=None, derandomize=True)


def notes_of(score: Score) -> dict[TrackKey, tuple[Note, ...]]:
    return {track.key: track.notes for track in score.tracks if track.notes}


REFUSED: dict[str, Callable[[], object]] = {
    "a note before the beginning": lambda: Note(-1, 60, 1),
    "a note without length": lambda: Note(0, 60, 0),
    "pitch 128": lambda: Note(0, 128, 1),
    "pitch -1": lambda: Note(0, -1, 1),
    "velocity 0": lambda: Note(0, 60, 1, 0),
    "velocity 128": lambda: Note(0, 60, 1, 128),
    "program 128": lambda: Track((), program=128),
    "program -1": lambda: Track((), program=-1),
    "voice -1": lambda: Track((), voice=-1),
    "metre 0/4": lambda: Meter(0, 4),
    "metre 4/3": lambda: Meter(4, 3),
    "metre 17/16": lambda: Meter(17, 16),
    "a bar of 9 quarter notes": lambda: Meter(9, 4),
    "a bar of 5 half notes": lambda: Meter(5, 2),
    "tempo 9": lambda: TempoChange(0, 9.0),
    "tempo 401": lambda: TempoChange(0, 401.0),
    "tempo NaN": lambda: TempoChange(0, float("nan")),
    "two tracks of one key": lambda: Score((Track((), program=3), Track((), program=3))),
    "no metre": lambda: Score(meters=()),
    "no tempo": lambda: Score(tempos=()),
    "a metre that comes late": lambda: Score(meters=(MeterChange(48, Meter()),)),
    "a tempo that comes late": lambda: Score(tempos=(TempoChange(1, 100.0),)),
    "metres that do not ascend": lambda: Score(meters=(MeterChange(0, Meter()), MeterChange(0, Meter(3, 4)))),
    "tempos that do not ascend": lambda: Score(
        tempos=(TempoChange(0, 90.0), TempoChange(7, 91.0), TempoChange(7, 92.0))
    ),
    "a metre change inside a bar": lambda: Score(meters=(MeterChange(0, Meter(3, 4)), MeterChange(48, Meter()))),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_music_is_refused_where_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


@pytest.mark.parametrize(
    ("meter", "steps"),
    [
        *((Meter(4, 4), 48), (Meter(3, 4), 36), (Meter(2, 4), 24), (Meter(6, 8), 36), (Meter(9, 8), 54)),
        *((Meter(12, 8), 72), (Meter(2, 2), 48), (Meter(3, 8), 18), (Meter(5, 4), 60), (Meter(5, 16), 15)),
    ],
    ids=str,
)
def test_a_bar_lasts_as_many_steps_as_its_fraction_says(meter: Meter, steps: int) -> None:
    assert meter.bar_steps == steps


def test_bars_follow_the_changes_of_metre_by_hand() -> None:
    meters = (MeterChange(0, Meter(4, 4)), MeterChange(48, Meter(3, 8)), MeterChange(84, Meter(5, 4)))
    score = Score((Track((Note(0, 60, 145),)),), meters)
    starts = [0, 48, 66, 84, 144]  # one bar of 48, two of 18, then of 60; the note ends in the one from 144
    assert [bar.start for bar in score.bars] == starts
    assert [str(bar.meter) for bar in score.bars] == ["4/4", "3/8", "3/8", "5/4", "5/4"]
    assert list(islice(score.iter_bars(), 6, 7)) == [Bar(264, Meter(5, 4))]


def test_an_empty_score_ends_at_once_and_has_no_bars() -> None:
    assert (Score().end, Score().bars, Score().note_count) == (0, (), 0)
    assert Score().seconds_at(0) == 0
    assert Score().transposed(5) == Score()


@quick
@given(scores())
def test_bars_tile_the_score_from_its_beginning_to_its_last_sound(score: Score) -> None:
    bars = score.bars
    assert bars[0].start == 0 and bars[-1].start < score.end <= bars[-1].end
    assert all(before.end == after.start for before, after in pairwise(bars))
    assert all(score.meter_at(step) == bar.meter for bar in bars for step in (bar.start, bar.end - 1))


def test_seconds_follow_the_tempo_map_by_hand() -> None:
    score = Score(tempos=(TempoChange(0, 120.0), TempoChange(24, 60.0), TempoChange(36, 240.0)))
    # Beats of 12 steps: two of half a second, one of a whole second, then of a quarter of a second.
    by_hand = {0: 0.0, 12: 0.5, 24: 1.0, 30: 1.5, 36: 2.0, 48: 2.25, 49.5: 2.25 + 0.25 / 8}
    assert {step: score.seconds_at(step) for step in by_hand} == pytest.approx(by_hand)
    assert [score.tempo_at(step) for step in (0, 23, 24, 36, 1000)] == [120, 120, 60, 240, 240]


@quick
@given(scores(), st.integers(0, 1500), st.integers(0, 1500))
def test_seconds_add_up_step_by_step(score: Score, one: int, other: int) -> None:
    start, end = sorted((one, other))
    single_steps = sum(60 / (12 * score.tempo_at(step)) for step in range(start, end))
    assert score.seconds_at(end) - score.seconds_at(start) == pytest.approx(single_steps, abs=1e-6)


@quick
@given(scores(), st.data())
def test_a_cut_and_joined_score_is_the_score_but_for_notes_that_cross_the_cut(score: Score, data: st.DataObject):
    last = score.bars[-1].end
    at = data.draw(st.sampled_from([bar.start for bar in score.bars] + [last]))
    joined = score.clipped(0, at).joined(score.clipped(at, last), at)

    def cut(note: Note) -> Note:
        return Note(note.onset, note.pitch, at - note.onset, note.velocity) if note.onset < at < note.end else note

    assert notes_of(joined) == {key: tuple(map(cut, notes)) for key, notes in notes_of(score).items()}
    assert all(joined.meter_at(step) == score.meter_at(step) for step in range(last))
    assert all(joined.tempo_at(step) == score.tempo_at(step) for step in range(last))


@quick
@given(scores(), st.data())
def test_a_clip_holds_what_begins_inside_it_moved_to_its_start(score: Score, data: st.DataObject) -> None:
    lines = st.sampled_from([bar.start for bar in score.bars])
    start, end = sorted((data.draw(lines), data.draw(st.integers(0, score.end))))
    start = max(bar.start for bar in score.bars if bar.start <= start)
    clip = score.clipped(start, end)
    inside = {key: [n for n in notes if start <= n.onset < end] for key, notes in notes_of(score).items()}
    assert {key: [(n.onset + start, n.pitch, n.velocity) for n in notes] for key, notes in notes_of(clip).items()} == {
        key: [(n.onset, n.pitch, n.velocity) for n in notes] for key, notes in inside.items() if notes
    }
    assert clip.end <= max(end - start, 0)
    assert clip.seconds_at(end - start) == pytest.approx(score.seconds_at(end) - score.seconds_at(start), abs=1e-6)


def test_joining_lays_tracks_of_one_key_together_and_adds_the_others() -> None:
    first = Score((Track((Note(0, 60, 12),), program=5, name="lute"),), tempos=(TempoChange(0, 90.0),), title="one")
    flute, lute = Track((Note(6, 70, 6),), program=73), Track((Note(0, 62, 12),), program=5)
    joined = first.joined(Score((flute, lute), (MeterChange(0, Meter(3, 4)),), (TempoChange(0, 90.0),)), 48)
    assert joined == Score(
        (
            Track((Note(0, 60, 12), Note(48, 62, 12)), program=5, name="lute"),
            Track((Note(54, 70, 6),), program=73),
        ),
        (MeterChange(0, Meter()), MeterChange(48, Meter(3, 4))),
        (TempoChange(0, 90.0),),
        "one",
    )


@quick
@given(scores(), st.integers(-12, 12))
def test_transposing_moves_every_pitch_but_drums_and_can_be_undone(score: Score, semitones: int) -> None:
    pitches = [note.pitch + semitones for track in score.tracks if not track.is_drum for note in track.notes]
    if not all(0 <= pitch <= 127 for pitch in pitches):
        with pytest.raises(ValueError, match="pitch 0-127"):
            score.transposed(semitones)
        return
    moved = score.transposed(semitones)
    assert [note.pitch for track in moved.tracks if not track.is_drum for note in track.notes] == pitches
    assert [t for t in moved.tracks if t.is_drum] == [t for t in score.tracks if t.is_drum]
    assert moved.transposed(-semitones) == score


def test_notes_of_a_track_are_in_order_however_they_came() -> None:
    notes = (Note(5, 60, 1), Note(0, 61, 1), Note(0, 60, 9), Note(0, 60, 2))
    assert Track(notes).notes == (Note(0, 60, 2), Note(0, 60, 9), Note(0, 61, 1), Note(5, 60, 1))


def test_a_note_ends_where_its_track_strikes_the_pitch_again() -> None:
    held, struck, other = Note(0, 60, 24), Note(12, 60, 12), Note(0, 64, 24)
    elsewhere = Track((Note(12, 64, 6),), voice=1)
    score = Score((Track((held, other, struck)), elsewhere)).released()
    assert score.tracks[0].notes == (Note(0, 60, 12), other, struck)
    assert score.tracks[1] == elsewhere
    assert score.released() == score
