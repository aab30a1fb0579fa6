"""The seed doctor and the other beginnings without a browser: what a visitor chooses is what the network is given."""

import io

import mido
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from musicdemo.music.midi import MidiReport
from musicdemo.music.noise import noise_score
from musicdemo.music.score import Meter, Note, Score, Track
from musicdemo.music.seed_choice import best_bars
from musicdemo.music.typed_notes import typed_score
from musicdemo.ui import services
from musicdemo.ui.components.keyboard import played
from musicdemo.ui.components.tracks import PICTURE_NOTES, SPACE, chosen_tracks, list_data, track_facts
from musicdemo.ui.compose import OWN_FILE
from musicdemo.ui.sections.beginnings import EXAMPLES, understood
from musicdemo.ui.sections.doctor import KEPT, changes_made, facts
from tests.test_ui import PAGE, WAIT_SECONDS


@pytest.fixture(autouse=True)
def own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pieces.sqlite3")
    st.cache_resource.clear()
    yield
    services.piece_store().close()
    st.cache_resource.clear()


def long_file() -> bytes:
    """Forty bars of 4/4 at 90 for piano and drums; bar 24 rests on a long C."""
    midi = mido.MidiFile(ticks_per_beat=96)
    piano, drums = mido.MidiTrack(), mido.MidiTrack()
    piano.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90)))
    for bar in range(40):
        pitches = [60] if bar == 23 else [60, 67, 64, (62, 65, 69, 71)[bar % 4]]
        for pitch in pitches:
            piano.append(mido.Message("note_on", note=pitch, velocity=80))
            piano.append(mido.Message("note_off", note=pitch, time=384 // len(pitches)))
        drums.append(mido.Message("note_on", channel=9, note=36, velocity=90))
        drums.append(mido.Message("note_off", channel=9, note=36, time=384))
    midi.tracks += [piano, drums]
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


@pytest.fixture
def page() -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=WAIT_SECONDS)
    page.run()
    return page


@pytest.fixture
def uploaded(page: AppTest) -> AppTest:
    page.file_uploader(key="upload").upload("long.mid", long_file(), "audio/midi").run()
    assert not page.exception
    return page


def seed(page: AppTest) -> Score:
    own = page.session_state["visit"].own
    assert page.session_state["visit"].shown.score == own.seed, "what is shown is what the network is given"
    return own.seed


# --- doctor ----------------------------------------------------------------------------------------------------------


def test_an_upload_begins_with_its_best_bars(uploaded):
    assert uploaded.slider(key="doctor_bars").value == (9, 24)
    assert [note.pitch for note in seed(uploaded).tracks[0].notes][-1] == 60
    assert len(seed(uploaded).bars) == 16


def test_other_bars_can_be_chosen_and_the_best_ones_again(uploaded):
    uploaded.slider(key="doctor_bars").set_range(5, 6).run()
    assert len(seed(uploaded).bars) == 2
    uploaded.button(key="doctor_whole").click().run()
    assert len(seed(uploaded).bars) == 40
    uploaded.button(key="doctor_best").click().run()
    assert uploaded.slider(key="doctor_bars").value == (9, 24)


def test_another_metre_moves_the_bar_lines_and_no_note(uploaded):
    before = uploaded.session_state["visit"].own.score
    uploaded.selectbox(key="doctor_meter").select(Meter(2, 4)).run()
    assert not uploaded.exception
    own = uploaded.session_state["visit"].own
    assert own.edit.without_cut(own.score).tracks == before.tracks
    assert len(own.edit.without_cut(own.score).bars) == 80
    assert seed(uploaded).meters[0].meter == Meter(2, 4)
    assert uploaded.slider(key="doctor_bars").value == own.edit.bars == best_bars(own.edit.without_cut(own.score))


def test_another_tempo_is_that_of_the_seed_and_the_own_one_again_is_no_change(uploaded):
    assert uploaded.number_input(key="doctor_tempo").value == 90
    uploaded.number_input(key="doctor_tempo").set_value(132).run()
    assert [change.tempo for change in seed(uploaded).tempos] == [132]
    uploaded.number_input(key="doctor_tempo").set_value(90).run()
    assert uploaded.session_state["visit"].own.edit.tempo is None


def test_the_key_is_the_wish_under_advanced(uploaded):
    uploaded.selectbox(key="doctor_key").select("D minor").run()
    assert uploaded.selectbox(key="key").value == "D minor"
    uploaded.selectbox(key="key").select("off").run()
    assert uploaded.selectbox(key="doctor_key").value == "off"


def test_changes_are_undone_together(uploaded):
    uploaded.selectbox(key="doctor_meter").select(Meter(3, 4)).run()
    uploaded.number_input(key="doctor_tempo").set_value(60).run()
    uploaded.button(key="doctor_reset").click().run()
    own = uploaded.session_state["visit"].own
    assert own.seed == own.score.clipped(8 * 48, 24 * 48)
    assert uploaded.selectbox(key="doctor_meter").value == KEPT


def test_a_new_file_begins_without_the_changes_of_the_last_one(uploaded):
    uploaded.selectbox(key="doctor_meter").select(Meter(3, 4)).run()
    uploaded.file_uploader(key="upload").upload("again.mid", long_file(), "audio/midi").run()
    assert uploaded.selectbox(key="doctor_meter").value == KEPT
    assert uploaded.slider(key="doctor_bars").value == (9, 24)


def test_facts_and_changes_are_said_plainly():
    score = typed_score("C4 E4 G4 | C5:2.", meter=Meter(3, 4), tempo=90)
    assert facts(score) == "2 bars of 3/4, 90 quarter notes a minute, in C major, 4 notes"
    report = MidiReport(repairs=("One.",), drops=("Two.",), notes_moved=3, largest_move_quarters=0.125)
    assert changes_made(report) == [
        "Repaired: One.", "Left out: Two.", "3 notes moved to the grid, by 0.12 quarter notes at most.",
    ]  # fmt: skip
    assert len(changes_made(MidiReport())) == 2


# --- the list of tracks ----------------------------------------------------------------------------------------------


def test_a_track_says_its_notes_and_range():
    assert track_facts(Track((Note(0, 60, 6), Note(6, 79, 6)))) == "Notes: 2, C4–G5"
    assert track_facts(Track((Note(0, 36, 6), Note(6, 38, 6), Note(9, 38, 6)), is_drum=True)) == "Strokes: 3, drums: 2"
    assert track_facts(Track(())) == "no notes"


def test_pictures_stay_in_their_square_and_small():
    many = Track(tuple(Note(step, step % 128, 400) for step in range(5000)))
    one = Track((Note(0, 0, 1),), program=1)
    for track in list_data(Score((many, one)), ["a", "b"], used=[0], source="")["tracks"]:
        assert len(track["notes"]) <= PICTURE_NOTES
        for left, length, height in track["notes"]:
            assert 0 <= left <= SPACE and 1 <= length <= SPACE and 0 <= height <= SPACE


@pytest.mark.parametrize("sent", [[], None, "0", [3], [-1], [0.5], [True], [[0]], {"0": 1}])
def test_numbers_of_tracks_from_the_browser_are_checked(sent):
    with pytest.raises(ValueError):  # noqa: PT011  # two sentences, by what is wrong
        chosen_tracks(sent, 3)
    assert chosen_tracks([2, 0.0], 3) == [0, 2]


# --- beginnings ------------------------------------------------------------------------------------------------------


def test_typed_notes_become_the_seed(page):
    page.text_area(key="typed_names").set_value("C4 E4 G4 C5 | C5:1").run()
    assert any("(notes: 5, bars of 4/4: 2): C4 E4 G4 C5 C5" in text.value for text in page.text)
    page.button(key="use_typed").click().run()
    assert not page.exception
    assert page.selectbox(key="seed_name").value == OWN_FILE
    assert [note.pitch for note in seed(page).tracks[0].notes] == [60, 64, 67, 72, 72]


def test_a_mistake_in_typed_notes_is_said_and_nothing_can_be_used(page):
    page.text_area(key="typed_names").set_value("C4 H4").run()
    assert any("Line 1, “H4”" in text.value for text in page.text)
    assert "use_typed" not in {button.key for button in page.button}


def test_noise_becomes_the_seed_and_its_number_says_which(page):
    page.radio(key="beginning").set_value("noise").run()
    page.number_input(key="noise_number").set_value(42).run()
    page.button(key="use_noise").click().run()
    assert seed(page) == noise_score(42)


@pytest.mark.parametrize(("notation", "text"), EXAMPLES.items())
def test_every_example_can_be_read(notation, text):
    instrument = "drums" if notation == "drums" else "0"
    score = typed_score(text, instrument=instrument, tonic=0 if notation == "numbers" else None)
    assert score.note_count and understood(score)


def test_names_and_numbers_of_the_example_are_the_same_tune():
    assert typed_score(EXAMPLES["numbers"], tonic=0) == typed_score(EXAMPLES["names"])


def test_what_a_keyboard_sends_is_read():
    sent = {"presses": [[60, 0, 0.5], [64.0, 0.5, 1]], "tempo": 90, "metronome": True}
    assert played(sent).presses == ((60, 0, 0.5), (64, 0.5, 1))


@pytest.mark.parametrize(
    "sent",
    [
        None, 3, {}, {"presses": [[60, 0]], "tempo": 90, "metronome": True},
        {"presses": [["C", 0, 1]], "tempo": 90, "metronome": True}, {"presses": "x", "tempo": 90, "metronome": True},
        {"presses": [], "tempo": 9, "metronome": True}, {"presses": [], "tempo": 90, "metronome": "yes"},
        {"presses": [[60, 0, None]], "tempo": 90, "metronome": False},
        {"presses": [[60.5, 0, 1]], "tempo": 90, "metronome": False},
        {"presses": [[60, 0, 1]] * 2001, "tempo": 90, "metronome": False},
    ],
)  # fmt: skip
def test_what_no_keyboard_sends_is_refused(sent):
    with pytest.raises(ValueError):  # noqa: PT011  # a sentence for each
        played(sent)
