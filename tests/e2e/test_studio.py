"""The main job in a real browser: drop a file, press one button, watch, hear, keep, and hand the link on."""

import io
import wave
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from playwright.sync_api import expect

from tests.e2e.studio import (
    BEAT_SECONDS,
    GRID_SECONDS,
    NEW_BARS,
    SEED_BARS,
    SEED_NOTES,
    WAIT_SECONDS,
    Open,
    fetch,
    generate,
    note_rows,
    roll,
    seed_file,
    upload_seed,
    wait_for_roll,
)

pytestmark = pytest.mark.e2e


def test_opens_with_a_piece_that_plays(visit: Open) -> None:
    page = visit()
    state = wait_for_roll(page, lambda state: state["ready"])
    assert state["notes"] > 0
    page.get_by_role("button", name="Play", exact=True).click()
    playing = wait_for_roll(page, lambda state: state["playing"] and state["time"] > 0.5)
    assert playing["playhead_x"] > state["playhead_x"]
    page.get_by_role("button", name="Pause", exact=True).click()
    wait_for_roll(page, lambda state: not state["playing"])


def test_roll_is_played_by_keyboard_pointer_and_slider(visit: Open) -> None:
    page = visit()
    duration = wait_for_roll(page, lambda state: state["ready"])["duration"]
    view = page.get_by_role("application", name="Piano roll")
    view.focus()
    view.press("ArrowRight")
    wait_for_roll(page, lambda state: state["time"] > 0.5)
    view.press("Home")
    wait_for_roll(page, lambda state: state["time"] == 0)
    view.press("Space")
    wait_for_roll(page, lambda state: state["playing"])
    view.press("Space")
    wait_for_roll(page, lambda state: not state["playing"])
    view.click(position={"x": 400, "y": 120})
    clicked = wait_for_roll(page, lambda state: abs(state["playhead_x"] - 400) < 2)
    page.get_by_role("slider", name="Position in the piece").fill("500")
    moved = wait_for_roll(page, lambda state: state["time"] != clicked["time"])
    assert moved["time"] == pytest.approx(duration / 2, rel=0.01)
    page.get_by_role("button", name="New part").click()
    state = wait_for_roll(page, lambda state: state["playing"])
    assert 0 < state["time"] < duration


def test_the_roll_is_seen_growing_while_a_wide_search_is_at_work(visit: Open) -> None:
    page = visit()
    upload_seed(page)
    page.get_by_role("slider", name="New bars").press("End")
    page.get_by_role("slider", name="Beam width").press("End")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="32")).to_have_count(1)
    assert len(generate(page)) > 2, "it was seen growing, not only finished"


def test_upload_generate_hear_download_and_share(visit: Open, server: str, tmp_path: Path) -> None:
    page = visit()
    upload_seed(page)
    page.get_by_role("slider", name="New bars").press("End")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="32")).to_have_count(1)
    counts = generate(page)
    assert counts[0] == SEED_NOTES
    assert counts == sorted(counts), "the roll only grows"

    piece = roll(page)["id"]
    with wave.open(io.BytesIO(fetch(f"{server}/p/{piece}.wav"))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        seconds = sound.getnframes() / sound.getframerate()
    assert np.abs(samples).max() > 3000, "the sound is not silent"
    join = SEED_BARS * 4 * BEAT_SECONDS
    new_part = samples[round(join * 44_100) * 2 :]
    assert np.sqrt(np.mean(new_part.astype(float) ** 2)) > 100, "nor is its new part"
    assert seconds > join

    with page.expect_download() as download:
        page.get_by_role("button", name="Download MIDI").click()
    path = tmp_path / "piece.mid"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("my-tune-continued-")
    assert path.read_bytes() == fetch(f"{server}/p/{piece}.mid"), "the address and the button give the same file"
    midi, seed = pretty_midi.PrettyMIDI(str(path)), pretty_midi.PrettyMIDI(io.BytesIO(seed_file()))
    assert note_rows(midi, until=join) == note_rows(seed), "the seed stands unchanged before the join"
    new_notes = [row for row in note_rows(midi) if row[0] >= round(join / GRID_SECONDS)]
    assert new_notes
    assert max(row[0] for row in new_notes) < (SEED_BARS + NEW_BARS) * 48, "no note begins after the last new bar"

    friend = visit(f"/p/{piece}")
    same = wait_for_roll(friend, lambda state: state["id"] == piece and state["ready"])
    assert same["notes"] == len(note_rows(midi)) == roll(page)["notes"]
    assert friend.url == f"{server}/p/{piece}"
    expect(friend.get_by_role("heading", name="my tune, continued")).to_be_visible()


def test_generation_survives_other_clicks_and_a_reload(visit: Open) -> None:
    page = visit()
    wait_for_roll(page, lambda state: state["ready"])
    page.get_by_role("slider", name="Beam width").press("End")  # so that it takes a while
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_text("Advanced").click()
    page.wait_for_url("**job=**", timeout=WAIT_SECONDS * 1000)
    page.reload()
    page.wait_for_url("**piece=**", timeout=WAIT_SECONDS * 1000)
    assert wait_for_roll(page, lambda state: state["ready"])["id"] in page.url


def test_bad_file_is_refused_in_one_sentence_and_nothing_is_lost(visit: Open) -> None:
    page = visit()
    before = wait_for_roll(page, lambda state: state["ready"])
    page.locator('input[type="file"]').set_input_files(
        {"name": "bad.mid", "mimeType": "audio/midi", "buffer": b"this is not music"}
    )
    expect(page.get_by_role("alert")).to_have_count(1)
    assert roll(page)["id"] == before["id"]


def test_page_fits_a_phone(visit: Open) -> None:
    page = visit(width=390, height=844)
    wait_for_roll(page, lambda state: state["ready"] and state["drawn"] > 0)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), "nothing has to be scrolled sideways"
    box = page.locator("[data-roll]").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_in_viewport()
