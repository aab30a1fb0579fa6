"""The seed doctor and the other beginnings as a person uses them: tick, play, type, press keys; desktop and phone."""

import io
import json
from typing import Any

import mido
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.studio import Open, roll, wait_for_roll

pytestmark = pytest.mark.e2e

BARS, LAST_BAR = 20, 16
PLAYERS = ((0, 0, "", (60, 67, 64, 65)), (1, 40, "<b>Solo</b>", (72,)), (9, 0, "", (36,)))
PHONE = {"width": 390, "height": 844}


def band_file() -> bytes:
    """Twenty bars for piano, a track with a name that is markup, and drums."""
    midi = mido.MidiFile(ticks_per_beat=96)
    for channel, program, name, pitches in PLAYERS:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.Message("program_change", channel=channel, program=program))
        for bar in range(BARS):
            # One bar ends a phrase, on the tonic: the passage up to it is the best.
            row = pitches[:1] if bar == LAST_BAR - 1 else pitches
            for pitch in row:
                track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80))
                track.append(mido.Message("note_off", channel=channel, note=pitch, time=384 // len(row)))
        midi.tracks.append(track)
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


def upload_band(page: Page) -> dict[str, Any]:
    page.locator('input[type="file"]').set_input_files(
        {"name": "band.mid", "mimeType": "audio/midi", "buffer": band_file()}
    )
    return wait_for_roll(page, lambda state: state["id"].startswith("preview-"))


def state_of(element: Locator, name: str) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(element.get_attribute(f"data-{name}") or "{}")
    return state


def wait_for_sound(page: Page, track: int | None) -> dict[str, Any]:
    tracks = page.locator("[data-tracks]")
    for _ in range(200):
        state = state_of(tracks, "tracks")
        if state["playing"] == track:
            return state
        page.wait_for_timeout(50)
    pytest.fail(f"the tracks stayed at {state_of(tracks, 'tracks')}")


def open_beginnings(page: Page, title: str, kind: str) -> None:
    page.get_by_text(title, exact=True).click()
    page.get_by_role("radiogroup").get_by_text(kind, exact=True).click()


def fits(page: Page) -> bool:
    return bool(page.get_by_test_id("stMain").evaluate("element => element.scrollWidth <= element.clientWidth"))


def test_tracks_are_heard_alone_left_out_and_never_all(visit: Open) -> None:
    page = visit()
    whole = upload_band(page)
    tracks = page.get_by_role("list", name="Tracks")
    expect(tracks.get_by_role("listitem")).to_have_count(3)
    expect(tracks.get_by_role("checkbox", name="<b>Solo</b>")).to_be_checked()
    tracks.get_by_role("button", name="Play <b>Solo</b>").click()
    assert wait_for_sound(page, 1)["source"].endswith(".wav?tracks=1")
    tracks.get_by_role("button", name="Play <b>Solo</b>").click()
    wait_for_sound(page, None)

    tracks.get_by_role("checkbox").nth(0).uncheck()
    fewer = wait_for_roll(page, lambda state: state["notes"] < whole["notes"])
    tracks.get_by_role("checkbox").nth(2).uncheck()
    wait_for_roll(page, lambda state: state["notes"] < fewer["notes"])
    expect(tracks.get_by_role("checkbox", name="<b>Solo</b>")).to_be_disabled()
    page.get_by_role("button", name="Undo these changes").click()
    wait_for_roll(page, lambda state: state["notes"] == whole["notes"])
    expect(tracks.get_by_role("checkbox").nth(0)).to_be_checked()


def test_best_bars_are_chosen_and_moved_by_keyboard_on_a_phone(visit: Open) -> None:
    page = visit("/?lang=zh", **PHONE)
    best = upload_band(page)
    last = page.get_by_role("slider", name="用作种子的小节").nth(1)
    expect(last).to_have_value(str(LAST_BAR))
    last.press("ArrowRight")
    more = wait_for_roll(page, lambda state: state["notes"] > best["notes"])
    page.get_by_role("button", name="最佳小节").click()
    wait_for_roll(page, lambda state: state["notes"] == best["notes"] < more["notes"])
    assert fits(page)


def test_typed_notes_are_echoed_and_used(visit: Open) -> None:
    page = visit()
    open_beginnings(page, "Other beginnings", "Typing notes")
    notes = page.get_by_role("textbox", name="Notes")
    notes.fill("C4 E4 H4")
    notes.press("Control+Enter")
    expect(page.get_by_text("Line 1, “H4”")).to_be_visible()
    notes.fill("C4 E4 G4 C5 | [C4 E4 G4]:1")
    notes.press("Control+Enter")
    expect(page.get_by_text("Understood (notes: 7, bars of 4/4: 2): C4 E4 G4 C5 [C4 E4 G4]")).to_be_visible()
    page.get_by_role("button", name="Begin with these notes").click()
    wait_for_roll(page, lambda state: state["notes"] == 7 and state["id"].startswith("preview-"))


def test_numbers_are_typed_and_noise_is_drawn_in_chinese(visit: Open) -> None:
    page = visit("/?lang=zh")
    open_beginnings(page, "其他开头", "输入音符")
    page.get_by_role("radiogroup").get_by_text("简谱", exact=True).click()
    notes = page.get_by_role("textbox", name="音符")
    notes.fill("１ ２ ３ 1' ｜ 5 - - -")
    notes.press("Control+Enter")
    expect(page.get_by_text("C4 D4 E4 C5 G4")).to_be_visible()
    page.get_by_role("button", name="用这些音符开头").click()
    typed = wait_for_roll(page, lambda state: state["notes"] == 5)
    page.get_by_role("radiogroup").get_by_text("随机噪声", exact=True).click()
    page.get_by_role("button", name="用噪声开头").click()
    wait_for_roll(page, lambda state: state["id"] != typed["id"])


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_keys_are_played_by_pointer_and_letters_and_become_the_seed(visit: Open, size: dict[str, int]) -> None:
    page = visit(**size)
    open_beginnings(page, "Other beginnings", "Playing keys")
    board = page.get_by_role("group", name="Piano keys")
    board.get_by_role("button", name="C4", exact=True).click(position={"x": 8, "y": 100})
    assert state_of(board, "keyboard")["audio"], "it sounds"
    page.keyboard.press("d")  # E4
    page.keyboard.press("t")  # F sharp 4
    page.keyboard.press("g")  # G4
    expect(page.get_by_text("Notes: 4. C4 E4 F♯4 G4")).to_be_visible()
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("Notes: 3. C4 E4 F♯4", exact=True)).to_be_visible()
    board.get_by_role("button", name="F♯4").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_role("button", name="An octave higher").click()
    expect(board.get_by_role("button", name="C4", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Metronome").click()
    assert state_of(board, "keyboard")["ticking"]
    page.get_by_role("button", name="Metronome").click()
    assert fits(page)
    page.get_by_role("button", name="Use it").click()
    wait_for_roll(page, lambda state: state["notes"] == 4 and state["id"].startswith("preview-"))
    assert roll(page)["notes"] == 4
