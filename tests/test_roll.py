"""The roll without a browser: how a Score is laid out, what comes back from it, and the sound of some instruments."""

import io
import wave

import numpy as np
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from musicdemo.music.note_order import note_order
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.ui import services
from musicdemo.ui.components.piano_roll import (
    RollAnswer,
    RollView,
    drum_name,
    roll_answer,
    roll_data,
    roll_html,
    roll_js,
    roll_words,
    track_names,
)
from musicdemo.ui.pieces import demo_piece
from musicdemo.ui.routes import sound
from musicdemo.ui.sounds import SoundShelf

WALTZ = Score(
    tracks=(
        Track((Note(0, 60, 12, 100), Note(36, 64, 36, 50)), program=40),
        Track((Note(36, 36, 6),), is_drum=True),
        Track((Note(0, 48, 36),), program=40, voice=1, name="Bass line"),
    ),
    meters=(MeterChange(0, Meter(3, 4)),),
    tempos=(TempoChange(0, 60.0), TempoChange(36, 120.0)),
)
WALTZ_SECONDS = 4.5


def view(score: Score, *, join: int = 0, room: int = 0) -> RollView:
    return RollView(score, join, identity="a", title="A waltz", room=room)


# --- layout ----------------------------------------------------------------------------------------------------------


def test_roll_lays_notes_out_in_seconds():
    data = roll_data(view(WALTZ, join=36))
    # A beat lasts one second in the first bar and half of one in the second.
    assert data["notes"] == [
        [0.0, 1.0, 60, 100, 0],
        [0.0, 3.0, 48, 80, 2],
        [3.0, 0.25, 36, 80, 1],
        [3.0, 1.5, 64, 50, 0],
    ]
    assert data["join"] == 3.0
    assert data["bars"] == [[0.0, 3.0, 3], [3.0, 1.5, 3]]
    assert data["lines"] == [0, 36, 72]
    assert data["seconds"] == WALTZ_SECONDS
    assert data["drums"] == [[36, drum_name(36)]]


def test_roll_order_is_that_of_the_notes_drawn():
    data = roll_data(view(WALTZ))
    assert [(note.pitch, note.velocity, track) for track, note in note_order(WALTZ)] == [
        (pitch, velocity, track) for _, _, pitch, velocity, track in data["notes"]
    ]


def test_roll_leaves_room_for_the_bars_that_are_to_come():
    data = roll_data(view(WALTZ, join=72, room=72 + 4 * 36))
    assert len(data["bars"]) == 6
    assert data["lines"][-1] == 72 + 4 * 36
    assert data["seconds"] == WALTZ_SECONDS + 4 * 1.5


def test_every_note_has_a_row():
    data = roll_data(view(WALTZ))
    for _, _, pitch, _, track in data["notes"]:
        rows = [key for key, _ in data["drums"]] if data["tracks"][track]["drum"] else range(data["low"], data["high"])
        assert pitch in rows


def test_empty_score_has_a_roll_too():
    data = roll_data(view(Score()))
    assert data["notes"] == []
    assert data["lines"] == [0]
    assert data["seconds"] == 0.0
    assert data["high"] > data["low"]


def test_tracks_are_named_by_instrument_number_and_own_name():
    assert track_names(WALTZ) == ["Violin 1", "Drums", "Bass line (Violin)"]


def test_instruments_are_named_in_the_language_of_the_visitor():
    names = [track["name"] for track in roll_data(view(WALTZ), language="zh")["tracks"]]
    assert names == ["小提琴 1", "鼓", "Bass line (小提琴)"]


def test_every_text_that_the_markup_names_is_there():
    markup, words = roll_html(), roll_words("en")
    named = [part.split('"')[1] for kind in ("say", "label", "hint") for part in markup.split(f"data-{kind}=")[1:]]
    assert named and set(named) <= set(words)


def test_module_has_a_door_for_any_page_and_one_for_streamlit():
    assert "export function mountRoll(" in roll_js()
    assert "export default function" in roll_js()


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(look: object = None, action: object = None) -> RollAnswer:
    return roll_answer(view(WALTZ), look=look, action=action)


def test_roll_that_nobody_touched_answers_nothing():
    assert answer() == RollAnswer("", 0, 0, None)


def test_selection_and_chosen_note_are_told_in_steps_and_note_order():
    assert answer({"id": "a", "start": 36, "end": 72, "note": 2}) == RollAnswer("", 36, 72, 2)


def test_going_on_tells_its_own_bars():
    wish = {"id": "a", "name": "reseed", "start": 0, "end": 72}
    assert answer({"id": "a", "start": 36, "end": 72, "note": None}, wish) == RollAnswer("reseed", 0, 72, None)


@pytest.mark.parametrize(
    "sent",
    [
        {"id": "another", "name": "reseed", "start": 0, "end": 36, "note": 0},
        {"id": "a", "name": "reseed", "start": 1, "end": 36, "note": 4},
        {"id": "a", "name": "reseed", "start": 36, "end": 36, "note": -1},
        {"id": "a", "name": "reseed", "start": 36, "end": 0, "note": True},
        {"id": "a", "name": "reseed", "start": 0, "end": 108, "note": 1.0},
        {"id": "a", "name": "reseed", "start": "0", "end": None, "note": "1"},
        {"id": "a", "name": "reseed", "start": [], "end": {}, "note": []},
        "reseed",
        [],
    ],
)
def test_what_is_not_of_this_picture_or_not_on_its_bar_lines_is_as_if_not_sent(sent):
    assert answer(sent, sent) == RollAnswer("", 0, 0, None)


def test_only_going_on_is_an_action():
    assert answer(action={"id": "a", "name": "delete", "start": 0, "end": 36}).action == ""


# --- the sound of some instruments -----------------------------------------------------------------------------------


def samples(wav: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(wav)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (2, 2, 44_100)
        return np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2").reshape(-1, 2)


@pytest.fixture
def shelf():
    opened = SoundShelf()
    yield opened
    opened.close()


def test_instruments_that_stop_early_last_as_long_as_the_piece(shelf):
    whole, bass = samples(shelf.wav(WALTZ).read_bytes()), samples(shelf.wav(WALTZ, tracks=(2,)).read_bytes())
    assert len(bass) == len(whole)
    assert np.abs(bass[: 3 * 44_100]).max() > 3000, "the bass sounds in the first bar"
    assert not bass[-44_100:].any(), "and is silent at the end"


def test_tracks_without_notes_are_silent_and_no_error(shelf):
    score = Score((*WALTZ.tracks, Track((), program=1)))
    assert not samples(shelf.wav(score, tracks=(3,)).read_bytes()).any()


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pieces.sqlite3")
    st.cache_resource.clear()
    with TestClient(Starlette(routes=sound.routes())) as visitor:
        yield visitor
    services.piece_store().close()
    services.sounds().close()
    st.cache_resource.clear()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?tracks=", 400),
        ("?tracks=-1", 400),
        ("?tracks=1,", 400),
        ("?tracks=1;2", 400),
        ("?tracks=٣", 400),
        ("?tracks=1000", 400),
        ("?tracks=999", 404),
    ],
)
def test_tracks_that_are_none_are_refused_in_one_sentence(client, query, status):
    reply = client.get(f"/p/demo.wav{query}")
    assert reply.status_code == status
    assert reply.text.endswith(".") and "\n" not in reply.text


def test_unknown_piece_has_no_sound(client):
    assert client.get("/p/nothing.wav?tracks=0").status_code == 404


def test_all_tracks_by_number_are_the_whole_piece_and_one_is_less(client):
    everything = ",".join(map(str, range(len(demo_piece().score.tracks))))
    whole = client.get("/p/demo.wav").content
    assert client.get(f"/p/demo.wav?tracks={everything}").content == whole
    alone = client.get("/p/demo.wav?tracks=0").content
    assert len(alone) == len(whole)
    assert alone != whole
