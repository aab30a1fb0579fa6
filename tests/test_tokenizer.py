"""Laws of the tokenizer: what a Score becomes, and that it comes back."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.errors import TokenError
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from musicdemo.music.vocabulary import DURATIONS, METERS, TEMPOS, Column, nearest
from tests import strategies
from tests.strategies import scores
from tests.tiny import TOKENIZER, tune

quick = settings(max_examples=60, deadline=None, derandomize=True)

# Two bars of 3/4 (36 steps) at 100 beats a minute hold notes, the one between them none, and the last note hangs on.
EXAMPLE = Score(
    (
        Track((Note(0, 60, 12, 80), Note(0, 64, 12, 80), Note(84, 62, 50, 1)), program=0),
        Track((Note(12, 36, 3, 127),), is_drum=True),
    ),
    (MeterChange(0, Meter(3, 4)),),
    (TempoChange(0, 100.0),),
)
# Style "band" is the second: 2. METER 7: 3/4 stands after 1/2 ... 4/2 and 1/4, 2/4. TEMPO 32: 100 is the 32nd mark,
# after 21 from 20 to 60, four to 72, six to 96. TIME: 4 + steps in this bar, 100 + steps in the next.
# Velocity 80 is 80 // 8 + 1 = 11, 127 is 16, 1 is 1. Durations to 48 are their own value; 50 is nearest to 51,
# the 49th. Pitch 60 is 61; drum key 36 is 129 + 36 = 165. A lone E is in E major: 1 + 4;
# C and E are in C major: 1; a longer D makes it D minor: 13 + 2.
EXAMPLE_EVENTS = [
    # style metre tempo next_end time, due: program voice, program voice,
    # last near low high pitch, key, pitch duration velocity
    [2, 7, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # START
    [2, 7, 32, 0, 100, 0, 0, 1, 1, 0, 0, 0, 0, 0, 65, 12, 11],  # E4, the higher pitch first
    [2, 7, 32, 16, 4, 0, 0, 1, 1, 65, 65, 65, 65, 5, 61, 12, 11],  # C4; E4 sounds, and will end at step 12: 4 + 12
    [2, 7, 32, 16, 16, 1, 1, 129, 1, 0, 61, 61, 65, 1, 165, 3, 16],  # the drum falls where the piano's notes end
    [2, 7, 32, 0, 3, 0, 0, 0, 0, 0, 61, 61, 65, 1, 0, 0, 0],  # EMPTY_BAR, from step 36; drums have no end
    [2, 7, 32, 0, 112, 0, 0, 1, 1, 61, 61, 61, 65, 1, 63, 49, 1],  # D4 at 84, 12 steps into the bar from 72
    # EMPTY_BAR from 108; D4 alone sounds, to 84 + 51 = 135, 27 steps into it
    [2, 7, 32, 127, 3, 0, 0, 0, 0, 0, 63, 63, 63, 15, 0, 0, 0],
    [2, 7, 32, 31, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # END, said in that bar: 4 + 27
]


def test_the_example_worked_by_hand() -> None:
    assert TOKENIZER.encode(EXAMPLE, style="band").tolist() == EXAMPLE_EVENTS
    assert TOKENIZER.decode(np.array(EXAMPLE_EVENTS)) == Score(
        (
            Track((Note(0, 60, 12, 84), Note(0, 64, 12, 84), Note(84, 62, 51, 4))),
            Track((Note(12, 36, 3, 124),), is_drum=True),
        ),
        EXAMPLE.meters,
        EXAMPLE.tempos,
    )


def test_the_due_track_is_the_first_that_ends_here_and_has_not_lost_its_turn() -> None:
    piano = Track((Note(0, 60, 12),))
    violin = Track((Note(0, 70, 12), Note(12, 69, 6), Note(12, 72, 6)), program=40)
    flute = Track((Note(0, 80, 12), Note(12, 81, 6)), program=73)
    events = TOKENIZER.encode(Score((piano, violin, flute)))
    due = events[:, [Column.DUE_PROGRAM, Column.DUE_VOICE]].tolist()
    # Nothing ends at step 0. At step 12 all three end; the violin speaks first, so the piano's turn is over, and
    # before its second note and before the flute's only the flute is due.
    assert due == [[0, 0], *[[0, 0]] * 3, [1, 1], [74, 1], [74, 1], [0, 0]]


@quick
@given(scores(), st.sampled_from(["", "air", "band"]))
def test_decoding_gives_the_snapped_score_and_encoding_that_gives_the_same_events(score: Score, style: str) -> None:
    events = TOKENIZER.encode(score, style=style)
    decoded = TOKENIZER.decode(events)
    assert decoded == TOKENIZER.snapped(score)
    assert np.array_equal(TOKENIZER.encode(decoded, style=style), events)


@quick
@given(scores())
def test_snapping_twice_is_snapping_once_and_onsets_and_pitches_stay(score: Score) -> None:
    snapped = TOKENIZER.snapped(score)
    assert TOKENIZER.snapped(snapped) == snapped
    assert {t.key: [(n.onset, n.pitch) for n in t.notes] for t in snapped.tracks} == {
        t.key: [(n.onset, n.pitch) for n in t.notes] for t in score.tracks
    }
    before = [n for t in sorted(score.tracks, key=lambda t: t.key) for n in t.notes]
    after = [n for t in snapped.tracks for n in t.notes]
    for old, new in zip(before, after, strict=True):
        assert abs(new.velocity - old.velocity) <= 4
        assert abs(new.duration - old.duration) == min(abs(length - old.duration) for length in DURATIONS)


@quick
@given(scores())
def test_an_event_is_a_note_or_a_bar_in_which_none_begins(score: Score) -> None:
    snapped = TOKENIZER.snapped(score)
    begun = {
        bar.start for bar in snapped.bars for t in snapped.tracks for n in t.notes if bar.start <= n.onset < bar.end
    }
    assert len(TOKENIZER.encode(score)) == 2 + snapped.note_count + len(snapped.bars) - len(begun)


@pytest.mark.parametrize("meter", strategies.METERS, ids=str)
def test_every_metre_makes_the_trip_and_may_follow_another(meter: Meter) -> None:
    meters = (MeterChange(0, Meter(7, 4)), MeterChange(84, meter))
    edges = (0, 83, 84, 84 + meter.bar_steps - 1, 84 + meter.bar_steps, 84 + 5 * meter.bar_steps)
    score = Score((Track(tuple(Note(onset, 60, 1, 84) for onset in edges)),), meters, (TempoChange(0, 120.0),))
    assert TOKENIZER.decode(TOKENIZER.encode(score)) == score


def test_the_empty_score_is_start_and_end() -> None:
    for score in (Score(), Score((Track(()),), (MeterChange(0, Meter(3, 4)),))):
        events = TOKENIZER.encode(score)
        assert events[:, Column.TIME].tolist() == [1, 2]
        assert TOKENIZER.decode(events) == Score()
    assert TOKENIZER.decode(np.zeros((0, len(Column)), dtype=np.int64)) == Score()


def test_voices_beyond_the_sixteenth_join_it() -> None:
    score = Score(tuple(Track((Note(voice, 60 + voice, 5, 84),), program=9, voice=voice) for voice in range(20)))
    snapped = TOKENIZER.snapped(score)
    assert [len(track.notes) for track in snapped.tracks] == [1] * 15 + [5]
    assert TOKENIZER.decode(TOKENIZER.encode(score)) == snapped


def test_a_pitch_struck_twice_at_one_moment_sounds_once_for_the_longer_time() -> None:
    score = Score((Track((Note(0, 60, 6, 84), Note(0, 60, 24, 36), Note(0, 60, 12, 4))),))
    assert TOKENIZER.snapped(score).tracks[0].notes == (Note(0, 60, 24, 36),)


def test_a_tempo_mark_is_the_nearest_at_the_beginning_of_each_bar() -> None:
    tempos = (TempoChange(0, 98.0), TempoChange(48, 10.0), TempoChange(50, 400.0), TempoChange(144, 121.0))
    score = Score((Track((Note(0, 60, 180, 84),)),), tempos=tempos)
    # 98 lies between 96 and 100: the slower of equals; 10 is below the series; 400 above it; bar 3 begins at 144.
    expected = (TempoChange(0, 96.0), TempoChange(48, 20.0), TempoChange(96, 304.0), TempoChange(144, 120.0))
    assert TOKENIZER.snapped(score).tempos == expected


@quick
@given(st.floats(0, 500), st.sampled_from([DURATIONS, TEMPOS]))
def test_nearest_is_what_a_search_of_the_whole_table_finds(wanted: float, table: tuple[int, ...]) -> None:
    assert nearest(table, wanted) == min(range(len(table)), key=lambda i: (abs(table[i] - wanted), table[i]))


def test_each_metre_has_one_value() -> None:
    assert len(set(METERS)) == len(METERS) == TOKENIZER.sizes[Column.METER] - 1
    assert set(strategies.METERS) <= set(METERS)


def test_the_json_makes_the_same_tokenizer() -> None:
    again = Tokenizer.from_json(TOKENIZER.to_json())
    assert again.config == TOKENIZER.config and again.digest == TOKENIZER.digest
    assert Tokenizer(TokenizerConfig(("band", "air"))).digest != TOKENIZER.digest


def changed_documents() -> dict[str, str]:
    document = json.loads(TOKENIZER.to_json())
    changes: dict[str, object] = {
        "a duration": {"durations": [*document["durations"][:-1], 385]},
        "a tempo": {"tempos": document["tempos"][1:]},
        "the metres' order": {"meters": document["meters"][::-1]},
        "a column's size": {"columns": document["columns"] | {"pitch": 258}},
        "format": {"format_version": 2},
        "something new": {"swing": True},
        "styles that are no list": {"styles": 3},
        "styles that are words": {"styles": "airband"},
        "one style twice": {"styles": ["air", "air"]},
        "styles that are lists": {"styles": [["air"], ["band"]]},
    }
    texts = {name: json.dumps(document | change) for name, change in changes.items()}
    del document["tempos"]
    return texts | {"a missing table": json.dumps(document), "no JSON": "{", "no object": "[]", "nothing": ""}


@pytest.mark.parametrize("text", changed_documents().values(), ids=changed_documents().keys())
def test_changed_tables_are_refused(text: str) -> None:
    with pytest.raises(TokenError, match="tokenizer"):
        Tokenizer.from_json(text)


def edited(event: int, **values: int) -> list[list[int]]:
    rows = [row[:] for row in EXAMPLE_EVENTS]
    for name, value in values.items():
        rows[event][Column[name.upper()]] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (edited(1, pitch=257), "event 1 has no such value of PITCH: 257"),
        (edited(3, velocity=-1), "event 3 has no such value of VELOCITY: -1"),
        (edited(0, style=3), "event 0 has no such value of STYLE: 3"),
        (edited(1, time=100 + 36), "36 steps into a bar of 36"),
        (edited(1, time=4), "0 steps into a bar of 0"),
        (edited(1, voice=0), "lacks a program, voice"),
        (edited(1, duration=0), "lacks a program, voice"),
        (edited(1, pitch=165), "mixes drums and pitches"),
        (edited(3, pitch=61), "mixes drums and pitches"),
        (edited(1, meter=0), "nothing of its metre or tempo"),
        (edited(4, tempo=0), "nothing of its metre or tempo"),
        ([[0] * 12], "shape"),
    ],
)
def test_events_that_mean_nothing_are_refused_by_name(rows: list[list[int]], reason: str) -> None:
    with pytest.raises(TokenError, match=reason):
        TOKENIZER.decode(np.array(rows))


@quick
@given(scores(), st.data())
def test_a_changed_value_still_decodes_or_is_a_token_error(score: Score, data: st.DataObject) -> None:
    events = TOKENIZER.encode(score)
    row, column = data.draw(st.integers(0, len(events) - 1)), data.draw(st.integers(0, len(Column) - 1))
    events[row, column] = data.draw(st.one_of(st.integers(0, TOKENIZER.sizes[column] - 1), st.integers(-3, 5000)))
    with suppress(TokenError):
        assert TOKENIZER.decode(events).note_count <= len(events)


def test_an_event_is_described_in_words() -> None:
    described = [TOKENIZER.describe(np.array(row)) for row in EXAMPLE_EVENTS]
    assert [described[i] for i in (0, 4, 7)] == [{"time": "start"}, {"time": "empty bar"}, {"time": "end"}]
    words = ["next bar + 12", "0", "0", "62", "51", "4"]
    assert described[5] == dict(zip("time program voice pitch duration velocity".split(), words, strict=True))
    assert described[3]["time"] == "same bar + 12"
    assert (described[3]["program"], described[3]["pitch"], described[3]["velocity"]) == ("drums", "36", "124")


def test_an_unknown_style_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'polka'; there are: air, band"):
        TOKENIZER.encode(tune(), style="polka")


@quick
@given(scores())
def test_the_given_key_correlates_best_with_what_sounded_lately(score: Score) -> None:
    heard = np.zeros(12)
    for row in TOKENIZER.encode(score)[:, [Column.KEY, Column.PITCH, Column.DURATION]].tolist():
        key, pitch, duration = row
        if pitch and heard.any():
            turned = [np.corrcoef(np.roll(heard, -tonic), profile)[0, 1] for profile in PROFILES for tonic in range(12)]
            assert turned[key - 1] == pytest.approx(max(turned))
        if 0 < pitch < 129:
            heard *= 0.98
            heard[(pitch - 1) % 12] += min(DURATIONS[duration - 1], 24)


@quick
@given(scores())
def test_the_given_span_is_that_of_the_notes_that_sound_or_sounded_last(score: Score) -> None:
    events = TOKENIZER.encode(score)
    onsets = event_onsets(events)
    melodic = (events[:, Column.PITCH] > 0) & (events[:, Column.PITCH] < 129)
    ends = onsets + np.array([0, *DURATIONS])[events[:, Column.DURATION]]
    last = (0, 0)
    for at in range(1, len(events) - 1):
        sounding = events[:at, Column.PITCH][melodic[:at] & (ends[:at] > onsets[at])]
        last = (sounding.min(), sounding.max()) if len(sounding) else last
        assert (events[at, Column.LOW_PITCH], events[at, Column.HIGH_PITCH]) == last
        if melodic[at]:
            heard = [*sounding, events[at, Column.PITCH]]
            last = min(heard), max(heard)


def event_onsets(events: np.ndarray) -> np.ndarray:
    """The step at which each event (T, C) stands, counted by the bars of its metres."""
    onsets, bar_start, bar_steps = [], 0, 0
    for meter, time in events[:, [Column.METER, Column.TIME]].tolist():
        if time == 3 or time >= 100:
            bar_start, bar_steps = bar_start + bar_steps, METERS[meter - 1].bar_steps
        onsets.append(bar_start + (time - 100 if time >= 100 else time - 4 if time >= 4 else 0))
    return np.array(onsets)


PROFILES = (  # Krumhansl & Kessler 1982: major, minor
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
