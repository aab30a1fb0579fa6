"""The page without a browser: what a visitor may click, and what the page says."""

import io
import re
from pathlib import Path

import pretty_midi
import pytest
import streamlit as st
from huggingface_hub import constants
from streamlit.testing.v1 import AppTest

from musicdemo.generation import GenerationSettings
from musicdemo.jobs import JobControl
from musicdemo.music.midi import read_midi
from musicdemo.music.score import Note, Score, Track
from musicdemo.music.seed_choice import best_bars
from musicdemo.ui import services
from musicdemo.ui.compose import FROM_NOTHING, OWN_FILE, Wish, compose
from musicdemo.ui.pieces import demo_piece, file_name, find_piece, piece_from_json, piece_to_json, show_upload
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.recipes import describe
from tests.local_hub import running_hub
from tests.tiny import tiny_checkpoint

PAGE = Path(__file__).parents[1] / "musicdemo" / "ui" / "main.py"
WAIT_SECONDS = 30


@pytest.fixture(autouse=True)
def own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pieces.sqlite3")
    st.cache_resource.clear()
    yield
    services.piece_store().close()
    services.sounds().close()
    st.cache_resource.clear()


def opened_page(**parameters: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=WAIT_SECONDS)
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def shown(page: AppTest):
    return page.session_state["visit"].shown


def midi_bytes(*, bars: int = 2, name: str = "") -> bytes:
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    piano = pretty_midi.Instrument(program=0, name=name)
    piano.notes = [pretty_midi.Note(90, 60 + beat % 5, beat * 0.5, beat * 0.5 + 0.5) for beat in range(4 * bars)]
    midi.instruments.append(piano)
    buffer = io.BytesIO()
    midi.write(buffer)
    return buffer.getvalue()


def upload(page: AppTest, name: str, data: bytes) -> AppTest:
    page.file_uploader(key="upload").upload(name, data, "audio/midi").run()
    assert not page.exception
    return page


# --- opening ---------------------------------------------------------------------------------------------------------


def test_page_opens_with_the_demo_and_no_complaint():
    page = opened_page()
    assert shown(page).id == "demo"
    assert shown(page).score.note_count > 0
    assert not page.error
    assert page.download_button(key="download_midi").label == "Download MIDI"


def test_controls_begin_with_the_recipe_of_the_demo():
    page = opened_page()
    settings = demo_piece().recipe["settings"]
    assert page.slider(key="temperature").value == settings["temperature"]
    assert page.slider(key="bars").value == settings["bars"]
    assert page.selectbox(key="seed_name").value == demo_piece().recipe["seed"]


def test_link_opens_its_piece_with_its_recipe():
    demo = demo_piece()
    recipe = {**demo.recipe, "settings": {**demo.recipe["settings"], "temperature": 0.6, "bars": 12, "beam_width": 4}}
    kept = services.piece_store().save(
        title="A kept piece", score=demo.score, join=demo.join, events=demo.events, recipe=recipe
    )
    page = opened_page(piece=kept.id)
    assert shown(page).id == kept.id
    assert shown(page).score == demo.score
    assert page.slider(key="temperature").value == 0.6
    assert page.slider(key="bars").value == 12
    assert page.select_slider(key="beam_width").value == 4


@pytest.mark.parametrize("address", ["A" * 22, "nonsense", "../../etc/passwd", "<b>x</b>", "preview-0"])
def test_unknown_address_gives_one_sentence_and_the_demo(address):
    page = opened_page(piece=address)
    assert len(page.error) == 1
    assert shown(page).id == "demo"
    assert "piece" not in page.query_params
    assert not page.run().error


# --- choosing a seed -------------------------------------------------------------------------------------------------


def test_every_shipped_seed_can_be_chosen_and_is_shown():
    page = opened_page()
    page.selectbox(key="seed_name").select(FROM_NOTHING).run()
    for name, seed in services.seeds().items():
        page.selectbox(key="seed_name").select(name).run()
        assert not page.exception
        assert shown(page).score == seed.score


def test_upload_is_shown_as_the_seed_with_its_report():
    page = upload(opened_page(), "my tune.mid", midi_bytes())
    assert page.selectbox(key="seed_name").value == OWN_FILE
    assert shown(page).title == "my tune"
    assert shown(page).score.note_count == 8
    assert any("2 bars of 4/4, 120 quarter notes" in text.value for text in page.text)
    assert not page.error


def test_long_upload_begins_with_its_best_bars_and_the_choice_can_be_moved():
    data = midi_bytes(bars=40)
    page = upload(opened_page(), "long.mid", data)
    assert page.slider(key="doctor_bars").value == best_bars(read_midi(data).score)
    page.slider(key="doctor_bars").set_range(5, 6).run()
    assert [note.pitch for note in shown(page).score.tracks[0].notes] == [60 + beat % 5 for beat in range(16, 24)]


@pytest.mark.parametrize("data", [b"", b"not a MIDI file", midi_bytes()[:40]])
def test_bad_upload_gives_one_sentence_and_loses_nothing(data):
    page = opened_page()
    page.slider(key="temperature").set_value(1.4).run()
    page.selectbox(key="seed_name").select("greensleeves").run()
    upload(page, "bad.mid", data)
    assert len(page.error) == 1
    assert page.slider(key="temperature").value == 1.4
    assert page.selectbox(key="seed_name").value == "greensleeves"


def test_strangers_names_are_never_read_as_markup():
    page = upload(opened_page(), "x.mid", midi_bytes(name="**<script>alert(1)</script>**"))
    for block in (*page.markdown, *page.caption, *page.title):
        assert "script>" not in block.value


# --- settings --------------------------------------------------------------------------------------------------------


def test_from_nothing_generates_and_a_seed_continues():
    page = opened_page()
    assert page.button(key="go").label == "Continue"
    page.selectbox(key="seed_name").select(FROM_NOTHING).run()
    assert page.button(key="go").label == "Generate"


def test_settings_survive_other_clicks():
    page = opened_page()
    page.slider(key="bars").set_value(16)
    page.select_slider(key="beam_width").set_value(3)
    page.toggle(key="locked").set_value(True).run()
    page.selectbox(key="seed_name").select(FROM_NOTHING).run()
    assert page.slider(key="bars").value == 16
    assert page.select_slider(key="beam_width").value == 3
    assert page.toggle(key="locked").value is True


def test_recipe_is_said_in_one_line():
    recipe = {
        "model": "lstm", "settings": {"temperature": 0.85, "beam_width": None, "random_seed": 7},
        "new_bars": 8, "style": "", "finished": False,
    }  # fmt: skip
    assert describe(recipe) == (
        "lstm · temperature 0.85 · 8 new bars · sampled · style left open · random seed 7 · stopped early"
    )
    assert describe({}) == ""


def test_escaped_text_hides_every_markdown_sign():
    assert escaped("a *b* [c](d)") == r"a \*b\* \[c\]\(d\)"


# --- making a piece --------------------------------------------------------------------------------------------------


def made_piece(page: AppTest):
    """Press the button, wait for the worker, and return the piece that is then on the stage."""
    page.button(key="go").click().run()
    assert not page.exception
    task = page.session_state["visit"].task
    if task is not None:  # a quick worker may have ended within the run
        assert task.job.wait(WAIT_SECONDS)
        page.run()
    assert not page.exception
    assert not page.error
    return shown(page)


def test_button_makes_a_piece_that_its_link_opens_again():
    page = opened_page()
    page.slider(key="bars").set_value(4).run()
    page.selectbox(key="seed_name").select("old-hundredth").run()
    piece = made_piece(page)
    assert page.query_params["piece"] == piece.id
    assert "job" not in page.query_params
    assert piece.recipe["new_bars"] == 4
    assert piece.score.clipped(0, piece.join).note_count == services.seeds()["old-hundredth"].score.note_count
    friend = opened_page(piece=piece.id)
    assert shown(friend).score == piece.score
    assert friend.selectbox(key="seed_name").value == "old-hundredth"


def test_locked_number_repeats_the_piece_and_an_unlocked_one_is_drawn_anew():
    page = opened_page()
    page.slider(key="bars").set_value(4)
    page.toggle(key="locked").set_value(True).run()
    first, again = made_piece(page), made_piece(page)
    assert first.id != again.id
    assert first.score == again.score
    page.toggle(key="locked").set_value(False).run()
    other = made_piece(page)
    assert other.recipe["settings"]["random_seed"] != first.recipe["settings"]["random_seed"]


def test_piece_from_nothing_has_no_join():
    page = opened_page()
    page.slider(key="bars").set_value(4)
    page.selectbox(key="seed_name").select(FROM_NOTHING).run()
    piece = made_piece(page)
    assert piece.join == 0
    assert piece.score.note_count > 0


def test_stopped_piece_is_kept_with_what_it_has():
    asked = 0

    class StopsSoon(JobControl):
        @property
        def stopped(self) -> bool:
            nonlocal asked
            asked += 1
            return asked > 2

    seed = services.seeds()["minuet-in-g"]
    wish = Wish(
        next(iter(services.checkpoints())), GenerationSettings(bars=64), seed.score, seed.name, seed_title=seed.title
    )
    piece = compose(StopsSoon(), wish)
    assert piece.recipe["finished"] is False
    assert 0 < piece.recipe["new_bars"] < 64
    assert services.piece_store().load(piece.id).score == piece.score


# --- models from the Hub ----------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    with running_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        yield hub


def fetched(page: AppTest, name: str) -> AppTest:
    """Ask for a model of the Hub on the models page, and wait for what comes of it."""
    page.switch_page("views/models.py").run()
    page.text_input(key="hub_name").set_value(name)
    page.button(key="fetch").click().run()
    assert not page.exception
    job = page.session_state["visit"].fetch
    if job is not None:  # otherwise the job was quick, or the name is none
        assert job.wait(WAIT_SECONDS)
        page.run()
    assert not page.exception
    return page


def test_model_from_the_hub_joins_the_menu_and_its_pieces_name_its_commit(hub, tmp_path):
    tiny_checkpoint(tmp_path / "tiny")
    commit = hub.put("someone/tiny", {path.name: path.read_bytes() for path in (tmp_path / "tiny").iterdir()})
    page = fetched(opened_page(), " someone/tiny ")
    name = f"someone/tiny@{commit}"
    assert not page.error
    page.switch_page("views/studio.py").run()
    assert page.selectbox(key="model").value == name
    assert list(page.selectbox(key="style").options) == ["auto", "air", "band"]
    page.slider(key="bars").set_value(4).run()
    piece = made_piece(page)
    assert piece.recipe["model"] == name
    assert describe(piece.recipe).startswith(f"someone/tiny@{commit[:7]} · ")
    asked = len(hub.asked)
    friend = opened_page(piece=piece.id)
    assert friend.selectbox(key="model").value == name
    assert name not in opened_page().session_state["visit"].models  # a stranger's menu is left alone
    assert len(hub.asked) == asked


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("no/such", "the Hub has no model no/such"), ("../../etc", "OWNER/NAME"), ("", "OWNER/NAME")],
)
def test_model_that_cannot_be_fetched_gives_one_sentence_and_loses_nothing(hub, name, sentence):
    page = opened_page()
    page.slider(key="temperature").set_value(1.4).run()
    before = page.selectbox(key="model").value
    fetched(page, name)
    (error,) = page.error
    assert re.search(sentence, error.value.replace("\\", ""))
    assert page.text_input(key="hub_name").value == name
    page.switch_page("views/studio.py").run()
    assert page.selectbox(key="model").value == before
    assert page.slider(key="temperature").value == 1.4


# --- addresses -------------------------------------------------------------------------------------------------------


def test_demo_survives_its_file():
    demo = demo_piece()
    again = piece_from_json(piece_to_json(demo))
    assert (again.title, again.score, again.join, again.recipe) == (demo.title, demo.score, demo.join, demo.recipe)


def test_demo_holds_its_seed_unchanged_before_the_join():
    demo = demo_piece()
    seed = services.seeds()[demo.recipe["seed"]].score
    heard = {track.key: track.notes for track in demo.score.clipped(0, demo.join).tracks}
    assert heard == {track.key: track.notes for track in seed.tracks}
    assert demo.score.end > demo.join


def test_preview_is_found_by_its_address_and_download_names_are_plain():
    piece = show_upload('Ünïcödé "; rm -rf /', Score((Track((Note(0, 60, 12),)),)))
    assert find_piece(piece.id) is piece
    assert file_name(piece, ".mid").startswith("unicode-rm-rf-previe")
