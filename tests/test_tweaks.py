"""What a visitor does next with a piece: again, wilder, calmer, more like this, undo, the history, and wishes."""

from dataclasses import replace

import pytest

from musicdemo.generation import GenerationSettings
from musicdemo.music.scales import parse_scale
from musicdemo.ui import services
from musicdemo.ui.asked import DEFAULTS
from musicdemo.ui.compose import Wish
from musicdemo.ui.recipes import describe
from musicdemo.ui.sections.actions import KEPT_SHARE
from tests.test_ui import WAIT_SECONDS, made_piece, opened_page, own_database, shown

__all__ = ["own_database"]


def pressed(page, key):
    page.button(key=key).click().run()
    return finished(page)


def finished(page):
    assert not page.exception
    task = page.session_state["visit"].task
    if task is not None:
        assert task.job.wait(WAIT_SECONDS)
        page.run()
    assert not page.exception
    assert not page.error
    return shown(page)


@pytest.fixture
def page_with_a_piece():
    page = opened_page()
    page.slider(key="bars").set_value(4)
    page.toggle(key="locked").set_value(True).run()
    return page, made_piece(page)


def settings(piece):
    return piece.recipe["settings"]


def test_again_changes_the_random_seed_alone_even_where_it_is_locked(page_with_a_piece):
    page, first = page_with_a_piece
    other = pressed(page, "again")
    assert settings(other)["random_seed"] != settings(first)["random_seed"]
    assert settings(other) == {**settings(first), "random_seed": settings(other)["random_seed"]}


@pytest.mark.parametrize(("key", "change"), [("wilder", 0.2), ("calmer", -0.2)])
def test_wilder_and_calmer_change_the_temperature_alone(page_with_a_piece, key, change):
    page, first = page_with_a_piece
    other = pressed(page, key)
    wanted = settings(first)["temperature"] + change
    assert settings(other)["temperature"] == pytest.approx(wanted)
    assert settings(other) == {**settings(first), "temperature": settings(other)["temperature"]}
    assert page.slider(key="temperature").value == pytest.approx(wanted)


def test_calmer_is_not_offered_at_temperature_zero_nor_wilder_at_the_end():
    page = opened_page()
    page.slider(key="temperature").set_value(0.0).run()
    assert page.button(key="calmer").disabled
    assert not page.button(key="wilder").disabled
    page.slider(key="temperature").set_value(2.0).run()
    assert page.button(key="wilder").disabled


def test_more_like_this_begins_as_the_piece_did_and_goes_another_way(page_with_a_piece):
    page, first = page_with_a_piece
    other = pressed(page, "more")
    bars = [bar for bar in first.score.bars if bar.start >= first.join]
    kept = bars[max(1, len(bars) // KEPT_SHARE) - 1].end
    assert other.join == kept
    assert other.score.clipped(0, kept) == first.score.clipped(0, kept)
    assert other.score.clipped(kept, other.score.end) != first.score.clipped(kept, first.score.end)


def test_undo_goes_back_with_the_recipe_step_by_step(page_with_a_piece):
    page, first = page_with_a_piece
    pressed(page, "wilder")
    page.button(key="undo").click().run()
    assert shown(page).id == first.id
    assert page.query_params["piece"] == first.id
    assert page.slider(key="temperature").value == settings(first)["temperature"]
    page.button(key="undo").click().run()
    assert shown(page).id == "demo"
    assert page.button(key="undo").disabled


def test_history_keeps_pieces_with_stars_and_words_and_opens_them_again(page_with_a_piece):
    page, first = page_with_a_piece
    second = pressed(page, "again")
    assert [entry.piece.id for entry in page.session_state["visit"].history] == [first.id, second.id]
    page.button(key=f"star_{first.id}").click().run()
    page.text_input(key=f"words_{first.id}").set_value("a *good* one").run()
    page.button(key=f"open_{first.id}").click().run()
    assert shown(page).id == first.id
    entry = page.session_state["visit"].history[0]
    assert entry.starred
    assert entry.words == "a *good* one"
    assert page.button(key=f"star_{first.id}").label == "★"


def test_wishes_reach_the_piece_and_come_back_with_its_link():
    page = opened_page()
    page.slider(key="bars").set_value(4)
    page.selectbox(key="key").select("D minor")
    page.selectbox(key="ranges").select("seed")
    page.select_slider(key="max_polyphony").set_value(3)
    page.toggle(key="cadence").set_value(True).run()
    piece = made_piece(page)
    new = piece.score.clipped(piece.join, piece.score.end)
    pitches = {note.pitch % 12 for track in new.tracks if not track.is_drum for note in track.notes}
    assert pitches <= parse_scale("D minor").pitch_classes
    assert "bits" in describe(piece.recipe)
    friend = opened_page(piece=piece.id)
    assert friend.selectbox(key="key").value == "D minor"
    assert friend.selectbox(key="ranges").value == "seed"
    assert friend.select_slider(key="max_polyphony").value == 3
    assert friend.toggle(key="cadence").value is True


def test_controls_stand_as_they_were_after_another_page():
    page = opened_page()
    page.slider(key="temperature").set_value(1.4).run()
    page.switch_page("views/models.py").run()
    assert not page.exception
    page.switch_page("views/studio.py").run()
    assert page.slider(key="temperature").value == 1.4


def test_title_of_a_piece_is_in_its_makers_language():
    seed = services.seeds()["minuet-in-g"].score
    wish = Wish("lstm", GenerationSettings(random_seed=7), seed, "minuet-in-g", "G 大调小步舞曲", language="zh")
    assert wish.title == "G 大调小步舞曲（续）"
    assert replace(wish, seed=None).title == "从零开始，第 7 号"


def test_every_default_is_among_what_the_controls_offer():
    page = opened_page()
    assert {name: page.session_state[name] for name in DEFAULTS}.keys() == DEFAULTS.keys()
    assert services.checkpoints()
