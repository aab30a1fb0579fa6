"""What end-to-end tests share: a seed, what the roll says of itself, and how to press the button."""

import io
import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pretty_midi
import pytest
from playwright.sync_api import Error, Locator, Page

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
    state: dict[str, Any] = json.loads(page.locator("[data-roll]").first.get_attribute("data-roll") or "{}")
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


def choose_option(box: Locator, name: str) -> None:
    """Choose an option of a menu, again where a run of the page that was on its way closed the menu."""
    option = box.page.get_by_role("option", name=name).first
    for _ in range(10):
        box.click()
        with suppress(Error):
            option.click(timeout=2000)
            box.page.wait_for_timeout(500)
            return
        box.page.keyboard.press("Escape")
    pytest.fail(f"there is no option {name}")
