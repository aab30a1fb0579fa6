"""Rules of notation: what is written can be read back, by another reader and by an engraver, and looks as it should."""

import base64
import io
from fractions import Fraction
from xml.etree import ElementTree as ET

import mido
import pytest
import verovio
from hypothesis import given, settings

from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.music.spelling import Spelling, sounding_pitch
from musicdemo.render.musicxml import write_musicxml
from musicdemo.seeds import shipped_seeds
from tests import strategies

SEEDS = [pytest.param(seed.score, id=seed.name) for seed in shipped_seeds()]
DIVISIONS = 12


def tune(*notes: tuple[int, int, int], meter: Meter = Meter(), program: int = 73, **more) -> Score:  # noqa: B008
    """A flute that plays (onset, pitch, duration)."""
    return Score((Track(tuple(Note(*note) for note in notes), program),), (MeterChange(0, meter),), **more)


def document(score: Score, **asked) -> ET.Element:
    return ET.fromstring(write_musicxml(score, **asked))  # noqa: S314  # our own bytes


def read_notes(part: ET.Element) -> list[tuple[int, int, int, int]]:
    """Read a part as (onset, pitch, duration, velocity), tied notes as one; for drums the pitch is the key."""
    found: list[tuple[int, int, int, int]] = []
    open_ties: dict[tuple[str | None, int], tuple[int, int]] = {}
    bar_start = 0
    for measure in part.iter("measure"):
        now = onset = longest = 0
        for element in measure:
            length = int(element.findtext("duration", "0"))
            if element.tag == "backup":
                now -= length
                assert now >= 0, "nothing stands before its bar"
            if element.tag != "note":
                continue
            if element.find("chord") is None:
                onset, now = now, now + length
            longest = max(longest, now)
            if element.find("type") is not None:
                assert type_steps(element) == length, "what is seen lasts as long as what is played"
            if element.find("rest") is not None:
                continue
            pitch, voice = read_pitch(element), element.findtext("voice")
            ties = {tie.get("type") for tie in element.findall("tie")}
            start, before = open_ties.pop((voice, pitch)) if "stop" in ties else (bar_start + onset, 0)
            assert "stop" not in ties or start + before == bar_start + onset, "a tie joins neighbours"
            if "start" in ties:
                open_ties[voice, pitch] = (start, before + length)
            else:
                velocity = round(float(element.get("dynamics", "0")) * 0.9)
                found.append((start, pitch, before + length, velocity))
        bar_start += longest
    assert not open_ties
    return sorted(found)


def type_steps(note: ET.Element) -> Fraction:
    """Length of a note value as a reader counts it."""
    steps = Fraction(
        {"breve": 96, "whole": 48, "half": 24, "quarter": 12, "eighth": 6, "16th": 3}.get(
            note.findtext("type", ""), Fraction(3, 2)
        )
    )
    if note.find("dot") is not None:
        steps *= Fraction(3, 2)
    ratio = note.find("time-modification")
    if ratio is not None:
        steps *= Fraction(int(ratio.findtext("normal-notes", "")), int(ratio.findtext("actual-notes", "")))
    return steps


def read_pitch(note: ET.Element) -> int:
    instrument = note.find("instrument")
    if instrument is not None:
        return int(instrument.get("id", "").rpartition("I")[2]) - 1
    letter, alter, octave = (note.findtext(f"pitch/{tag}", "0") for tag in ("step", "alter", "octave"))
    return sounding_pitch(Spelling(letter, int(alter), int(octave)))


def rows(track: Track) -> list[tuple[int, int, int, int]]:
    return sorted((note.onset, note.pitch, note.duration, note.velocity) for note in track.notes)


def assert_reads_back(score: Score) -> None:
    parts = document(score).findall("part")
    tracks = [track for track in score.tracks if track.notes]
    assert len(parts) == max(1, len(tracks))
    for part, track in zip(parts, tracks, strict=False):
        read, written = read_notes(part), rows(track)
        if track.is_drum:  # how long a stroke of the drums lasts means nothing, and it is written for the eye
            assert [(note[0], note[1], note[3]) for note in read] == [(note[0], note[1], note[3]) for note in written]
        else:
            assert read == written


def engraved_notes(score: Score) -> list[tuple[int, int, int]]:
    """What verovio plays from the document, as (onset, pitch, duration) in steps."""
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    assert toolkit.loadData(write_musicxml(score).decode())
    midi = mido.MidiFile(file=io.BytesIO(base64.b64decode(toolkit.renderToMIDI())))
    found: list[tuple[int, int, int]] = []
    sounding: dict[tuple[int, int, int], list[int]] = {}
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            key = (id(track), message.channel, message.note)
            if message.type == "note_on" and message.velocity:
                sounding.setdefault(key, []).append(now)
            else:
                # verovio lets go one tick before the next note could begin
                before = sounding[key].pop(0)
                onset, duration = (round(DIVISIONS * t / midi.ticks_per_beat) for t in (before, now + 1 - before))
                found.append((onset, message.note, duration))
    return sorted(found)


def signs(score: Score, tag: str) -> list[str]:
    """The texts of all elements of one name, in order."""
    return [element.text or "" for element in document(score).iter(tag)]


def values(score: Score) -> list[str]:
    """Every note and rest as a word, such as quarter, eighth., eighth3, -half (a rest) or quarter~ (tied on)."""
    words = []
    for note in document(score).iter("note"):
        rest = "-" if note.find("rest") is not None else ""
        dot = "." if note.find("dot") is not None else ""
        triplet = "3" if note.find("time-modification") is not None else ""
        tie = "~" if any(tie.get("type") == "start" for tie in note.findall("tie")) else ""
        words.append(f"{rest}{note.findtext('type', 'bar')}{dot}{triplet}{tie}")
    return words


@settings(max_examples=40, deadline=None)
@given(strategies.scores(last_onset=200))
def test_any_score_is_read_back_note_for_note(score):
    assert_reads_back(score)


@pytest.mark.parametrize("score", SEEDS)
def test_every_shipped_seed_is_read_back_and_engraved_note_for_note(score):
    assert_reads_back(score)
    pitched = Score(tuple(t for t in score.tracks if not t.is_drum), score.meters, score.tempos)
    written = sorted((n.onset, n.pitch, n.duration) for track in pitched.tracks for n in track.notes)
    assert engraved_notes(pitched) == written


def test_the_empty_score_is_one_bar_of_silence():
    assert values(Score()) == ["-bar"]


@pytest.mark.parametrize(
    ("meter", "notes", "written"),
    [
        # A note is cut where the beat would no longer be seen.
        ((4, 4), [(6, 12)], ["-eighth", "quarter", "-eighth", "-half"]),
        ((4, 4), [(18, 12)], ["-quarter", "-eighth", "eighth~", "eighth", "-eighth", "-quarter"]),
        ((4, 4), [(0, 36), (36, 12)], ["half.", "quarter"]),
        ((4, 4), [(0, 30), (30, 18)], ["half~", "eighth", "eighth~", "quarter"]),
        ((6, 8), [(0, 18), (18, 12), (30, 6)], ["quarter.", "quarter", "eighth"]),
        ((6, 8), [(12, 12), (24, 12)], ["-quarter", "eighth~", "eighth", "quarter"]),
        ((3, 4), [(0, 9), (9, 3), (12, 24)], ["eighth.", "16th", "half"]),
        # Triplets of quarters, eighths and sixteenths.
        ((2, 4), [(0, 8), (8, 8), (16, 8)], ["quarter3"] * 3),
        ((2, 4), [(0, 4), (4, 4), (8, 4), (12, 12)], ["eighth3", "eighth3", "eighth3", "quarter"]),
        ((2, 4), [(0, 8), (8, 4), (12, 12)], ["quarter3", "eighth3", "quarter"]),
        ((2, 4), [(0, 6), (6, 2), (8, 2), (10, 2), (12, 12)], ["eighth", "16th3", "16th3", "16th3", "quarter"]),
        # Over a bar line.
        ((2, 4), [(12, 24)], ["-quarter", "quarter~", "quarter", "-quarter"]),
        ((4, 2), [(0, 96)], ["breve"]),
    ],
)  # fmt: skip
def test_notes_are_written_as_a_copyist_would(meter, notes, written):
    score = tune(*((onset, 72, duration) for onset, duration in notes), meter=Meter(*meter))
    assert values(score)[: len(written)] == written


def test_a_chord_stands_on_one_stem_and_what_overlaps_otherwise_in_a_voice_of_its_own():
    score = tune((0, 60, 24), (0, 64, 24), (24, 67, 24), (24, 60, 12), (36, 62, 12))
    voices = [(note.findtext("voice"), note.find("chord") is not None) for note in document(score).iter("note")]
    assert voices == [("1", False), ("1", True), ("1", False), ("2", False), ("2", False), ("2", False)]


@pytest.mark.parametrize(
    ("pitches", "spelled"),
    [
        ("62 66 69 74 73 74 67 66 64 62", "D F♯ A D C♯ D G F♯ E D"),
        ("63 67 70 75 74 75 68 67 65 63", "E♭ G B♭ E♭ D E♭ A♭ G F E♭"),
        ("69 71 72 74 76 77 80 81 76 72 69 69", "A B C D E F G♯ A E C A A"),
    ],
)
def test_pitches_are_spelled_in_the_key_of_the_piece(pitches, spelled):
    score = tune(*((12 * beat, int(pitch), 12) for beat, pitch in enumerate(pitches.split())))
    names = [
        pitch.findtext("step", "") + {"1": "♯", "-1": "♭"}.get(pitch.findtext("alter", ""), "")
        for pitch in document(score).iter("pitch")
    ]
    assert " ".join(names) == spelled


def test_an_accidental_stands_once_a_bar_and_is_taken_back():
    scale = [(12 * beat, pitch, 12) for beat, pitch in enumerate((60, 64, 67, 72, 60, 64, 67, 72))]
    score = tune(*scale, (96, 66, 12), (108, 66, 12), (120, 65, 12), (132, 65, 12), (144, 66, 12), (156, 72, 36))
    assert signs(score, "accidental") == ["sharp", "natural", "sharp"]


def test_a_tie_over_the_bar_line_needs_no_second_accidental():
    scale = [(12 * beat, pitch, 12) for beat, pitch in enumerate((60, 64, 67, 72, 60, 64, 67))]
    assert signs(tune(*scale, (84, 66, 24), (108, 66, 12)), "accidental") == ["sharp", "sharp"]


def test_beams_show_beats():
    eighths = tune(*((6 * place, 72, 6) for place in range(4)), (24, 72, 9), (33, 72, 3), (36, 72, 12))
    assert signs(eighths, "beam") == ["begin", "end"] * 2 + ["begin", "end", "backward hook"]


def test_metre_and_tempo_changes_stand_where_they_are():
    score = Score(
        (Track((Note(0, 72, 48), Note(48, 72, 36), Note(84, 72, 36))),),
        (MeterChange(0, Meter()), MeterChange(48, Meter(3, 4))),
        (TempoChange(0, 100.0), TempoChange(60, 50.0), TempoChange(72, 49.9)),
    )
    measures = list(document(score).iter("measure"))
    assert [measure.findtext("attributes/time/beats") for measure in measures] == ["4", "3", None]
    assert [sound.get("tempo") for sound in document(score).iter("sound")] == ["100", "50", "49.9"]
    assert [d.findtext("offset") for d in measures[1].iter("direction")] == ["12"], "a reader is told of real changes"


def test_a_keyboard_alone_has_two_staves_and_two_tracks_of_one_have_one_each():
    low, high = tuple(Note(12 * b, 40, 12) for b in range(4)), tuple(Note(12 * b, 72, 12) for b in range(4))
    assert signs(Score((Track(low + high),)), "sign") == ["G", "F"]
    assert signs(Score((Track(high), Track(low, voice=1))), "sign") == ["G", "F"]
    assert signs(Score((Track(low + high, 40),)), "sign") == ["F"]


def test_the_join_has_a_double_bar_and_the_end_a_final_one():
    score = tune(*((48 * bar, 72, 48) for bar in range(3)))
    bars = [bar.findtext("bar-style") for bar in document(score, join=48).iter("barline")]
    assert bars == ["light-light", "light-heavy"]


def test_strangers_names_are_text_and_nothing_else():
    score = Score((Track((Note(0, 60, 12),), name="<script>&\u202e"),), title="]]><b>\x00")
    root = document(score)
    assert root.findtext("work/work-title") == "]]><b>"
    assert root.findtext("part-list/score-part/part-name") == "<script>&"
