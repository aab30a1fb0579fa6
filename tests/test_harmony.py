"""Keys: found where a musician would find them, moved along with the music, spelled as in print."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.harmony import Key, detect_key, pitch_class_steps, scale
from musicdemo.music.notation import read_notation
from musicdemo.music.score import Score
from musicdemo.seeds import shipped_seeds

C_MAJOR = "C4 D4 E4 F4 | G4 A4 G4 F4 | E4 D4 G4 G4 | [C4 E4 G4]:1"
A_MINOR = "A4 B4 C5 E5 | D5 C5 B4 G#4 | A4 E4 F4 E4 | [A3 C4 E4]:1"


def test_a_cadence_in_c_major_and_one_in_a_minor_are_found() -> None:
    assert detect_key(read_notation(C_MAJOR)) == Key(0, "major")
    assert detect_key(read_notation(A_MINOR)) == Key(9, "minor")


@pytest.mark.parametrize("score", [seed.score for seed in shipped_seeds() if detect_key(seed.score)])
def test_the_key_is_transposed_with_the_score(score: Score) -> None:
    home = detect_key(score)
    assert home is not None
    for semitones in range(-12, 13):
        assert detect_key(score.transposed(semitones)) == Key((home.tonic + semitones) % 12, home.mode)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 48)), min_size=1, max_size=12), st.integers(-5, 5))
@settings(max_examples=60, deadline=None)
def test_the_histogram_turns_with_the_score_and_sums_to_all_durations(
    pitches: list[tuple[int, int]], semitones: int
) -> None:
    names = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4".split()
    score = read_notation("unit: 32t\n" + " ".join("~ ".join([names[pitch]] * steps) for pitch, steps in pitches))
    steps = pitch_class_steps(score)
    assert steps.sum() == sum(steps for _, steps in pitches)
    assert np.array_equal(pitch_class_steps(score.transposed(semitones)), np.roll(steps, semitones))


def test_drums_and_octaves_do_not_change_the_key() -> None:
    drums = "\ntrack: drums\nsnare:1 | cowbell:1 | crash:1 | kick:1"
    assert detect_key(read_notation(A_MINOR + drums)) == Key(9, "minor")
    assert detect_key(read_notation(A_MINOR).transposed(24)) == Key(9, "minor")


@pytest.mark.parametrize("text", ["track: drums\nkick snare", "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4"])
def test_where_no_pitch_stands_out_there_is_no_key(text: str) -> None:
    assert detect_key(read_notation(text)) is None
    assert detect_key(Score()) is None


def test_a_minor_scale_has_the_notes_of_its_relative_major() -> None:
    assert scale(Key(7, "major")) == (7, 9, 11, 0, 2, 4, 6)
    for tonic in range(12):
        assert set(scale(Key(tonic, "minor"))) == set(scale(Key((tonic + 3) % 12, "major")))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key(7, "major"), "G major"),
        (Key(4, "minor"), "E minor"),
        (Key(3, "major"), "E♭ major"),
        (Key(6, "minor"), "F♯ minor"),
        (Key(8, "minor"), "G♯ minor"),
        (Key(8, "major"), "A♭ major"),
        (Key(10, "minor"), "B♭ minor"),
    ],
)
def test_keys_are_spelled_as_in_print(key: Key, name: str) -> None:
    assert str(key) == name


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="tonic 0-11"):
        Key(12, "major")
