"""Rules of ABC: a small reader of its grammar, written for these tests, finds the notes of the score again."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings

from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.render.abc import write_abc
from musicdemo.seeds import shipped_seeds
from tests import strategies

SEEDS = [pytest.param(seed.score, id=seed.name) for seed in shipped_seeds()]
UNIT_STEPS = 3
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS = {
    "C": 0,
    "G": 1,
    "D": 2,
    "A": 3,
    "E": 4,
    "B": 5,
    "F#": 6,
    "Gb": -6,
    "Db": -5,
    "Ab": -4,
    "Eb": -3,
    "Bb": -2,
    "F": -1,
}
MINOR = {
    "Am": "C",
    "Em": "G",
    "Bm": "D",
    "F#m": "A",
    "C#m": "E",
    "G#m": "B",
    "Ebm": "Gb",
    "Bbm": "Db",
    "Fm": "Ab",
    "Cm": "Eb",
    "Gm": "Bb",
    "Dm": "F",
}
LENGTH = r"(\d*(?:/\d+)?)"
PITCH = r"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']*"
WORD = re.compile(
    rf"\[([A-Z]):([^\]]*)\]|\(3:2:(\d+)|(\|\]|\|\||\|)|([zx]){LENGTH}|\[((?:{PITCH}-?)+)\]{LENGTH}|({PITCH}){LENGTH}(-?)"
)


class Voice:
    """Reads one voice: accidentals hold to the bar line, for one octave or, as other readers have it, for all."""

    def __init__(self, key: str, *, all_octaves: bool) -> None:
        sharps = SHARPS[MINOR.get(key, key)]
        self.signature = dict.fromkeys("FCGDAEB"[: max(0, sharps)], 1) | dict.fromkeys("BEADGCF"[: max(0, -sharps)], -1)
        self.all_octaves = all_octaves
        self.now, self.left = 0, 0
        self.stands: dict[object, int] = {}
        self.notes: list[tuple[int, int, int]] = []
        self.ties: dict[int, int] = {}

    def read(self, line: str) -> None:
        place = 0
        for word in WORD.finditer(line):
            assert not line[place : word.start()].strip(), f"this is no ABC: {line[place : word.start()]}"
            place = word.end()
            _, _, triplet, bar, rest, rest_length, chord, chord_length, pitch, length, tie = word.groups()
            if triplet:
                self.left = int(triplet)
            elif bar:
                self.stands = {}
            elif rest:
                self.now += self.steps(rest_length)
            elif chord or pitch:
                heads = re.findall(rf"({PITCH})(-?)", chord) if chord else [(pitch, tie)]
                self.sound(heads, self.steps(chord_length if chord else length))
        assert not line[place:].strip()

    def steps(self, length: str) -> int:
        above, _, below = length.partition("/")
        steps = UNIT_STEPS * Fraction(int(above or 1), int(below or 1))
        if self.left:
            self.left -= 1
            steps *= Fraction(2, 3)
        assert steps.denominator == 1
        return int(steps)

    def sound(self, heads: list[tuple[str, str]], steps: int) -> None:
        going_on = {}
        for head, tie in heads:
            pitch = self.pitch(head)
            onset = self.ties.pop(pitch, self.now)
            if tie:
                going_on[pitch] = onset
            else:
                self.notes.append((onset, pitch, self.now + steps - onset))
        assert not self.ties, "a tie leads to a note of its pitch"
        self.ties, self.now = going_on, self.now + steps

    def pitch(self, head: str) -> int:
        sign, letter, marks = re.findall(r"([\^_=]*)([A-Ga-g])([,']*)", head)[0]
        octave = 4 + letter.islower() + marks.count("'") - marks.count(",")
        place = letter.upper() if self.all_octaves else (letter.upper(), octave)
        if sign:
            self.stands[place] = sign.count("^") - sign.count("_")
        alter = self.stands.get(place, self.signature.get(letter.upper(), 0))
        return 12 * (octave + 1) + LETTERS[letter.upper()] + alter


def read_abc(text: str, *, all_octaves: bool = False) -> list[tuple[int, int, int]]:
    """All notes of a tune as (onset, pitch, duration) in steps."""
    (key,) = re.findall(r"^K:(.*)$", text, re.MULTILINE)
    voices: list[Voice] = []
    for line in text[text.index("\nK:") + 1 :].splitlines()[1:]:
        if line.startswith("V:"):
            voices.append(Voice(key, all_octaves=all_octaves))
        elif not line.startswith("%"):
            voices[-1].read(line)
    assert len({voice.now for voice in voices}) == 1, "all voices are equally long"
    return sorted(note for voice in voices for note in voice.notes)


def rows(score: Score) -> list[tuple[int, int, int]]:
    """Notes as (onset, pitch, duration); strokes of the drums are written for the eye, so their length is left out."""
    return sorted((n.onset, n.pitch, n.duration) for track in score.tracks for n in track.notes)


def pitched(score: Score) -> Score:
    return Score(tuple(t for t in score.tracks if not t.is_drum), score.meters, score.tempos, score.title)


@settings(max_examples=40, deadline=None)
@given(strategies.scores(last_onset=200))
def test_any_score_is_read_back_note_for_note_however_far_accidentals_reach(score):
    for all_octaves in (False, True):
        assert read_abc(write_abc(pitched(score)), all_octaves=all_octaves) == rows(pitched(score))
    strokes = [(onset, pitch) for onset, pitch, _ in rows(score)]
    assert sorted((onset, pitch) for onset, pitch, _ in read_abc(write_abc(score))) == strokes


@pytest.mark.parametrize("score", SEEDS)
def test_every_shipped_seed_is_read_back(score):
    assert read_abc(write_abc(pitched(score))) == rows(pitched(score))


def test_a_tune_reads_as_a_player_would_write_it():
    notes = ((0, 62, 24), (24, 66, 24), (48, 69, 12), (60, 74, 4), (64, 73, 4), (68, 71, 4), (72, 74, 12), (84, 72, 18))
    score = Score(
        (Track(tuple(Note(*note) for note in notes), 73, name='A "flute"'),),
        (MeterChange(0, Meter(4, 4)), MeterChange(96, Meter(3, 4))),
        (TempoChange(0, 90.0), TempoChange(96, 120.0)),
        title="50% \\ & more",
    )
    assert write_abc(score).splitlines() == [
        "%abc-2.1",
        "X:1",
        r"T:50\% \\ \& more",
        "M:4/4",
        "L:1/16",
        "Q:1/4=90",
        "%%score 1",
        "K:D",
        """V:1 clef=treble name="A 'flute'\"""",
        "%%MIDI program 73",
        "D8 F8 | A4 (3:2:3d2c2B2 d4 =c4- | [M:3/4] [Q:1/4=120] =c2 z2 z4 z4 |]",
    ]


def test_the_join_has_a_double_bar():
    score = Score((Track(tuple(Note(48 * bar, 72, 48) for bar in range(3))),))
    assert write_abc(score, join=48).splitlines()[-1] == "c16 || c16 | c16 |]"


def test_the_empty_score_is_a_bar_of_silence():
    assert read_abc(write_abc(Score())) == []
    assert write_abc(Score()).splitlines()[-1] == "z16 |]"
