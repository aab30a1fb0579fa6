"""The notation that people type: what each sign means, and that every mistake is named where it stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.errors import MidiError
from musicdemo.music.notation import DRUMS, MAX_CHARACTERS, MAX_TRACK_NOTES, read_header, read_notation
from musicdemo.music.score import Meter, MeterChange, Note, TempoChange

LENGTHS = {
    ":1": 48,
    ":2": 24,
    ":4": 12,
    ":8": 6,
    ":16": 3,
    ":4t": 8,
    ":8t": 4,
    ":32t": 1,
    ":2.": 36,
    ":4..": 21,
    "": 12,
}


def notes_of(text: str) -> list[tuple[int, int, int]]:
    """(onset, pitch, duration) of the first track."""
    return [(note.onset, note.pitch, note.duration) for note in read_notation(text).tracks[0].notes]


def test_four_names_are_four_quarter_notes_of_a_piano() -> None:
    score = read_notation("C4 E4 G4 C5")
    assert notes_of("C4 E4 G4 C5") == [(0, 60, 12), (12, 64, 12), (24, 67, 12), (36, 72, 12)]
    assert (score.tracks[0].program, score.meters[0].meter, score.tempo_at(0)) == (0, Meter(4, 4), 120.0)


@pytest.mark.parametrize(
    ("word", "pitch"),
    [("C-1", 0), ("C4", 60), ("c4", 60), ("B3", 59), ("F#3", 54), ("F♯3", 54), ("Bb5", 82), ("B♭5", 82), ("bb5", 82)]
    + [("Cb4", 59), ("B#3", 60), ("F##4", 67), ("Dbb4", 60), ("G9", 127)],
)
def test_a_name_and_an_octave_are_a_pitch(word: str, pitch: int) -> None:
    assert notes_of(word) == [(0, pitch, 12)]


@pytest.mark.parametrize(("suffix", "steps"), LENGTHS.items())
def test_a_length_is_a_fraction_of_a_whole_note(suffix: str, steps: int) -> None:
    assert notes_of(f"C4{suffix}") == [(0, 60, steps)]


@given(st.lists(st.sampled_from(list(LENGTHS)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_end_is_the_sum_of_the_lengths(suffixes: list[str]) -> None:
    score = read_notation(" ".join(f"A4{suffix}" for suffix in suffixes))
    assert score.end == sum(LENGTHS[suffix] for suffix in suffixes)


def test_the_unit_is_the_length_of_a_note_that_names_none() -> None:
    assert notes_of("unit: 8\nC4 D4. E4:4") == [(0, 60, 6), (6, 62, 9), (15, 64, 12)]
    assert notes_of("unit: 8t\nC4") == [(0, 60, 4)]


def test_rests_move_the_pen_and_sound_nothing() -> None:
    assert notes_of("r C4 r:8 D4") == [(12, 60, 12), (30, 62, 12)]
    assert notes_of("metre: 3/4\nR | C4:2.") == [(36, 60, 36)]


def test_the_notes_of_a_chord_begin_together_and_may_last_longer_than_the_chord() -> None:
    assert notes_of("[C4 E4 G4]:2 A4") == [(0, 60, 24), (0, 64, 24), (0, 67, 24), (24, 69, 12)]
    assert notes_of("[C3:1 G4] E4") == [(0, 48, 48), (0, 67, 12), (12, 64, 12)]


def test_a_tie_makes_one_note_of_two() -> None:
    assert notes_of("C4:2 D4 E4~ | E4 C4") == [(0, 60, 24), (24, 62, 12), (36, 64, 24), (60, 60, 12)]
    assert notes_of("C4~ C4~ C4") == [(0, 60, 36)]
    assert notes_of("[C4 E4]~ [C4 E4 G4]") == [(0, 60, 24), (0, 64, 24), (12, 67, 12)]


def test_velocity_is_the_tracks_the_lines_the_chords_or_the_notes_own() -> None:
    score = read_notation("velocity: 70\nC4 D4@90 @50 E4 [F4 A4@30]@60 G4@40~ G4")
    assert [note.velocity for note in score.tracks[0].notes] == [70, 90, 50, 60, 30, 40]


def test_the_simile_mark_repeats_the_bar_before() -> None:
    assert notes_of("C4:2 E4:2 | % | %") == notes_of("C4:2 E4:2 | C4:2 E4:2 | C4:2 E4:2")


def test_drums_have_names() -> None:
    score = read_notation("track: drums\n" + " ".join(DRUMS) + "\ntrack: drums\n[kick hat]:8")
    assert [note.pitch for note in score.tracks[0].notes] == list(DRUMS.values())
    assert score.tracks[0].is_drum
    assert score.tracks[1].notes == (Note(0, 36, 6), Note(0, 42, 6))


@pytest.mark.parametrize(
    ("name", "program"),
    [("0", 0), ("127", 127), ("Violin", 40), ("violin", 40), ("piano", 0), ("cello", 42), ("sax", 64)],
)
def test_an_instrument_is_a_number_or_a_name_or_part_of_one(name: str, program: int) -> None:
    assert read_notation(f"track: {name}\nC4").tracks[0].program == program


def test_tracks_of_one_instrument_are_told_apart_and_empty_ones_left_out() -> None:
    score = read_notation("track: violin\nname: First\nC5\ntrack: violin\nR\ntrack: violin\nname: Second\nE4")
    assert [(track.program, track.voice, track.name) for track in score.tracks] == [(40, 0, "First"), (40, 1, "Second")]


def test_metre_and_tempo_change_at_bars() -> None:
    score = read_notation(
        "metre: 4/4, 3/4 from bar 2, 6/8 from bar 4\ntempo: 100, 80.5 from bar 3\nC4:1 | R | R | R | C4"
    )
    assert score.meters == (MeterChange(0, Meter(4, 4)), MeterChange(48, Meter(3, 4)), MeterChange(120, Meter(6, 8)))
    assert score.tempos == (TempoChange(0, 100.0), TempoChange(84, 80.5))
    assert score.tracks[0].notes[-1].onset == 156


def test_the_header_can_be_read_alone() -> None:
    text = "# a comment\ntitle: Étude: No. 1\ncomposer: N. N.\n\nmetre: 3/4\nC4"
    assert read_header(text) == {"title": "Étude: No. 1", "composer": "N. N.", "metre": "3/4"}
    assert read_notation(text).title == "Étude: No. 1"


def test_a_comment_changes_nothing() -> None:
    assert read_notation("# one\nC4\n  # two: F4\n\nD4") == read_notation("C4 D4")


def test_bar_lines_change_nothing_where_the_bars_are_full() -> None:
    assert read_notation("C4:1 | D4:2. E4 || F4:1 |\n| G4:2") == read_notation("C4:1 D4:2. E4 F4:1 G4:2")


@pytest.mark.parametrize(
    ("text", "bar"),
    [
        ("C4 | D4:1", 1),
        ("C4:1 | D4:2 |", 2),
        ("C4:1 | D4:1 E4 | F4:1", 2),
        ("C4:1 | D4:1 E4", 2),
        ("metre: 3/4\nC4:2. | C4:2. | C4:1 |", 3),
        ("metre: 4/4, 3/4 from bar 2\nC4:1 | C4:1 |", 2),
    ],
)
def test_a_bar_of_the_wrong_length_is_named(text: str, bar: int) -> None:
    with pytest.raises(MidiError, match=f"bar {bar} lasts"):
        read_notation(text)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("H4", "no note, rest, chord"),
        ("C", "no note, rest, chord"),
        ("C4:8:8", "no note, rest, chord"),
        ("[C4", "no note, rest, chord"),
        ("[C4~]", "no note, rest, chord"),
        ("C#b4", "no note, rest, chord"),
        ("foo:", "no note, rest, chord"),
        ("C4:5", "a length is"),
        ("C4...", "a length is"),
        ("C4:32", "does not fall on the grid"),
        ("G#9", "pitches go from"),
        ("Cb-1", "pitches go from"),
        ("C4@0", "a velocity is"),
        ("@128", "a velocity is"),
        ("[C4 C4]", "twice"),
        ("[B#3 C4]", "twice"),
        ("[]", "a chord needs a note"),
        ("r~", "a rest cannot be tied"),
        ("%", "no bar just before"),
        ("E4~", "tied to nothing"),
        ("E4:1~ | D4", "pitch does not follow"),
        ("E4~ r", "pitch does not follow"),
        ("E4:1~ | R", "pitch does not follow"),
        ("title: late", "above the first track"),
        ("track: kazoo", "no such instrument"),
        ("track: 128", "no such instrument"),
        ("track:", "no such instrument"),
        ("velocity: loud", "a velocity is"),
        ("unit: 7", "a length is"),
        ("unit: long", "a unit is"),
    ],
)
def test_a_mistake_is_named_with_its_line(word: str, reason: str) -> None:
    with pytest.raises(MidiError, match=rf"^Line 3, .*{reason}"):
        read_notation(f"tempo: 90\nC4:1 | D4:1 | E4:2 F4:2 |\n{word}" if word != "%" else "C4\n\n%")


def test_a_word_that_is_no_drum_is_told_which_there_are() -> None:
    with pytest.raises(MidiError, match="Line 2, “gong”: no such drum; there are kick"):
        read_notation("track: drums\nkick gong")


@pytest.mark.parametrize(
    "header",
    ["metre: 4/5", "metre: 0/4", "metre: waltz", "metre: 16/4", "metre: 4/4, 3/4", "metre: 4/4 from bar 2"]
    + [
        "metre: 4/4, 3/4 from bar 5, 2/4 from bar 3",
        "metre: 4/4, 3/4 from bar 0",
        "tempo: nan",
        "tempo: 0",
        "tempo: fast",
    ]
    + ["tempo: 90, 100 from bar 1, 90 from bar 1", "tempo: 1e9", "tempo:", "title: a\ntitle: b"],
)
def test_nonsense_in_the_header_is_named_with_its_line(header: str) -> None:
    with pytest.raises(MidiError, match=r"^Line [12], "):
        read_notation(f"{header}\nC4")


@pytest.mark.parametrize("text", ["", "   \n", "title: nothing", "r r r", "track: violin", "# C4"])
def test_a_text_without_notes_is_refused(text: str) -> None:
    with pytest.raises(MidiError, match="no notes"):
        read_notation(text)


def test_a_text_can_grow_neither_long_nor_many() -> None:
    with pytest.raises(MidiError, match="most that can be read"):
        read_notation("C4 " * MAX_CHARACTERS)
    chord = "[" + " ".join(f"{name}{octave}" for octave in range(9) for name in "CDEFGAB") + "]"
    with pytest.raises(MidiError, match=f"at most {MAX_TRACK_NOTES} notes"):
        read_notation(f"unit: 16\n{' '.join([chord] * 16)} |" + "% |" * 1000)


@given(st.text(alphabet="ABCDEFGabr#b[]:.~@|%R 0123456789\nt-٣", max_size=60) | st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_a_score_or_one_sentence(text: str) -> None:
    try:
        sentence = f"{read_notation(text).note_count} notes."
    except MidiError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert len(sentence.splitlines()) == 1
