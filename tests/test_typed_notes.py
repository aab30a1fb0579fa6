"""Typed notes: names and numbers mean the same music, and a mistake is named with its line and word."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.errors import MidiError
from musicdemo.music.notation import read_notation
from musicdemo.music.score import Meter, Note
from musicdemo.music.typed_notes import typed_score

SCALES = {0: "C D E F G A B", 7: "G A B C D E F#", 5: "F G A Bb C D E"}


def notes(text: str, **options) -> list[Note]:
    return list(typed_score(text, **options).tracks[0].notes)


def test_names_are_read_as_notation_reads_them_with_what_was_chosen_beside():
    score = typed_score("C4 E4 G4:2 | [C4 E4 G4]:1", instrument="violin", meter=Meter(4, 4), tempo=90)
    assert score == read_notation("metre: 4/4\ntempo: 90\ntrack: violin\nC4 E4 G4:2 | [C4 E4 G4]:1")
    assert (score.tracks[0].program, score.tempos[0].tempo) == (40, 90)
    drums = typed_score("kick hat snare hat", instrument="drums").tracks[0]
    assert drums.is_drum


@pytest.mark.parametrize(("tonic", "names"), SCALES.items())
def test_numbers_are_degrees_of_the_major_scale_from_the_tonic_up(tonic, names):
    pitches = [note.pitch for note in notes("1 2 3 4 5 6 7 1'", tonic=tonic, meter=Meter(2, 4))]
    classes = [read_notation(name + "4").tracks[0].notes[0].pitch % 12 for name in [*names.split(), names[0]]]
    assert [pitch % 12 for pitch in pitches] == classes
    assert pitches == sorted(pitches)
    assert pitches[0] == 60 + tonic and pitches[-1] - pitches[0] == 12


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ("5 5_ 5__ 5__ 0", "G4 G4:8 G4:16 G4:16 r"),
        ("5 - 3 -", "G4:2 E4:2"),
        ("5 - - -", "G4:1"),
        ("5 --- | 1", "G4:1 | C4"),
        ("5. 3_ 1 -", "G4:4. E4:8 C4:2"),
        ("5 - - 1 | - - 0 -", "G4:2. C4~ | C4:2 r:2"),
        ("5 -\n- - | 1", "G4:2~\nG4:2 | C4"),
        ("1 5~ 5 3~ | 3 1 1 1", "C4 G4~ G4 E4~ | E4 C4 C4 C4"),
        ("#1 b3 1'' 1,,", "C#4 Eb4 C6 C2"),
        ("１ ２ ３ 0 ｜ 5， 6。 ＃4＿", "C4 D4 E4 r | G3 A4:4. F#4:8"),
    ],
)
def test_numbers_mean_what_names_mean(numbers, names):
    assert notes(numbers, tonic=0) == notes(names)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["1", "2_", "7'", "0", "-", "b3,", "5.", "4__"]), min_size=1, max_size=30), st.data())
def test_a_dash_adds_a_quarter_to_what_it_follows(words, data):
    words = ["6", *words]
    tonic = data.draw(st.integers(0, 11))
    lengths: list[tuple[bool, int]] = []
    for word in words:
        if word == "-":
            sounds, steps = lengths.pop()
            lengths.append((sounds, steps + 12))
        else:
            steps = 12 // 2 ** word.count("_")
            lengths.append((word != "0", steps + steps // 2 if "." in word else steps))
    onsets = [sum(steps for _, steps in lengths[:i]) for i in range(len(lengths))]
    expected = [(onset, steps) for onset, (sounds, steps) in zip(onsets, lengths, strict=True) if sounds]
    assert [(n.onset, n.duration) for n in notes(" ".join(words), tonic=tonic)] == expected


@pytest.mark.parametrize(
    ("text", "tonic", "place"),
    [
        ("C4 H4 G4", None, "Line 1, “H4”"),
        ("C4 E4\nG4 X", None, "Line 2, “X”"),
        ("C4 C4 C4 C4 |\nC4 C4 |", None, "Line 2, “|”: bar 2 lasts 2 quarter notes"),
        ("1 2\n3 8", 0, "Line 2, “8”"),
        ("- 1", 0, "Line 1, “-”"),
        ("1 1 1 | 1", 0, "Line 1, “|”: bar 1 lasts 3 quarter notes"),
        ("1'''", 0, "Line 1, “1'''”"),
        ("<b>1</b>", 0, "Line 1, “<b>1</b>”"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_line_and_the_word(text, tonic, place):
    with pytest.raises(MidiError, match=re.escape(place)) as refusal:
        typed_score(text, tonic=tonic)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "   \n", "0 0 - |", "r r"])
@pytest.mark.parametrize("tonic", [None, 0])
def test_a_text_without_a_note_is_refused(text, tonic):
    with pytest.raises(MidiError):
        typed_score(text, tonic=tonic)


@settings(max_examples=60)
@given(st.text(max_size=30), st.one_of(st.none(), st.integers(0, 11)))
def test_whatever_is_typed_is_read_or_refused_in_a_sentence(text, tonic):
    try:
        outcome: object = typed_score(text, tonic=tonic).note_count
    except MidiError as refusal:
        outcome = str(refusal).endswith(".")
    assert outcome
