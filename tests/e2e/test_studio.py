"""The main job in a real browser: drop a file, press one button, watch, hear, keep, and hand the link on."""

import io
import json
import time
import urllib.request
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

SEED_BARS, NEW_BARS = 4, 32
SEED_NOTES = 48
BEAT_SECONDS = 0.5
GRID_SECONDS = BEAT_SECONDS / 12
WAIT_SECONDS = 60
Open = Callable[..., Page]
NoteRow = tuple[int, int, int]


def seed_file() -> bytes:
    """Four bars of 4/4 for four players, on the beat."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=60 / BEAT_SECONDS)
    tune = [67, 69, 71, 72, 74, 72, 71, 69, 67, 71, 74, 79, 78, 74, 71, 67]
    bass = [43, 50, 43, 55, 50, 57, 50, 43]
    for program, pitches in ((73, tune), (40, [p - 5 for p in tune]), (41, [p + 12 for p in bass]), (42, bass)):
        length = SEED_BARS * 4 * BEAT_SECONDS / len(pitches)
        player = pretty_midi.Instrument(program)
        player.notes = [pretty_midi.Note(80, p, i * length, (i + 1) * length) for i, p in enumerate(pitches)]
        midi.instruments.append(player)
    buffer = io.BytesIO()
    midi.write(buffer)
    return buffer.getvalue()


def note_rows(midi: pretty_midi.PrettyMIDI, *, until: float = np.inf) -> list[NoteRow]:
    """Notes that begin before `until`, as (onset, pitch, end) in grid steps."""
    notes = [note for track in midi.instruments for note in track.notes if note.start < until - 1e-6]
    return sorted((round(n.start / GRID_SECONDS), n.pitch, round(n.end / GRID_SECONDS)) for n in notes)


def roll(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(page.locator("[data-roll]").get_attribute("data-roll") or "{}")
    return state


def wait_for_roll(page: Page, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Watch the roll until it is as wanted; returns what it then says of itself."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        state = roll(page)
        if condition(state):
            return state
        page.wait_for_timeout(50)
    pytest.fail(f"the roll stayed at {roll(page)}")


def generate(page: Page) -> list[int]:
    """Press the button, wait for the finished piece, and return the note counts seen on the way."""
    before = page.url
    counts = [roll(page)["notes"]]
    page.get_by_role("button", name="Continue", exact=True).click()

    def finished(state: dict[str, Any]) -> bool:
        if state["notes"] != counts[-1]:
            counts.append(state["notes"])
        return page.url != before and "piece=" in page.url and "job=" not in page.url and state["id"] in page.url

    wait_for_roll(page, finished)
    return counts


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as reply:  # noqa: S310  # our own server, by http
        data: bytes = reply.read()
    return data


def upload_seed(page: Page) -> None:
    page.locator('input[type="file"]').set_input_files(
        {"name": "my tune.mid", "mimeType": "audio/midi", "buffer": seed_file()}
    )
    wait_for_roll(page, lambda state: state["notes"] == SEED_NOTES and state["id"].startswith("preview-"))


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
    assert friend.url == f"{server}/?piece={piece}"
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
