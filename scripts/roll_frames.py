"""Measure the piano roll with many notes in Chromium: python -m scripts.roll_frames [notes] [seconds].

For each size, scheme and zoom: the time between frames while it plays, what the browser spends on each, and how far the
drawn playhead is from the sound when the next frame begins, which is when a screen shows the one before.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from musicdemo.music.score import STEPS_PER_BEAT, Note, Score, Track
from musicdemo.render.audio import render_audio
from musicdemo.ui.components.piano_roll import RollView, roll_data
from scripts.roll_page import running_page
from scripts.studio_server import CHROMIUM_FLAGS, find_chromium
from training.tables import table

NOTES, SECONDS = 6000, 5.0
PROGRAMS = (0, 24, 48, 73)
SIXTEENTH = STEPS_PER_BEAT // 4
SIZES = {"desktop": (1360, 800), "phone": (390, 844)}
ZOOMS = {"whole piece": 0, "zoomed in": 6}
HEADS = [
    "size",
    "scheme",
    "view",
    "between frames, median",
    "p95",
    "worst",
    "drawing, median",
    "drawing, worst",
    "playhead off the sound by at most",
]
EXPLANATION = (
    "Chromium without a GPU. The playhead is compared with the sound one frame after it was drawn, when the screen\n"
    "shows it; what a loudspeaker adds is not in it."
)
WATCH = """seconds => new Promise(done => {
  const roll = window.roll = window.show(0, window.data), frames = [], work = [], errors = []
  let before = null, drawn = null
  const draw = roll.draw.bind(roll)
  roll.draw = now => {
    if (drawn !== null) errors.push(Math.abs(roll.time - drawn))
    const began = performance.now()
    draw(now)
    work.push(performance.now() - began)
    drawn = roll.frame.secondsAt(roll.playheadX)
  }
  const watch = now => {
    if (before !== null) frames.push(now - before)
    before = now
    if (frames.reduce((sum, value) => sum + value, 0) < 1000 * seconds) requestAnimationFrame(watch)
    else done([frames, work, errors.map(value => 1000 * value)])
  }
  requestAnimationFrame(watch)
})"""


def many_notes(count: int) -> Score:
    """Return `count` sixteenths for four players, each on a walk of its own."""
    length = -(-count // len(PROGRAMS))
    tracks = (
        Track(
            tuple(
                Note(step * SIXTEENTH, 40 + 12 * player + (step * (5 + player)) % 23, SIXTEENTH, 40 + step * 7 % 80)
                for step in range(length)
            ),
            program=program,
        )
        for player, program in enumerate(PROGRAMS)
    )
    return Score(tuple(tracks))


def measure(page: Page, *, presses: int, seconds: float) -> list[list[float]]:
    """Play, zoomed in by so many presses, and return times between frames, work a frame and playhead errors, in ms."""
    page.wait_for_function("JSON.parse(document.querySelector('[data-roll]')?.dataset.roll ?? '{}').ready")
    for _ in range(presses):
        page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1000)
    figures: list[list[float]] = page.evaluate(WATCH, seconds)
    return figures


def _row(names: list[str], figures: list[list[float]]) -> list[str]:
    frames, work, errors = (sorted(values) for values in figures)
    spread = [statistics.median(frames), frames[int(0.95 * len(frames))], frames[-1]]
    return [*names, *(f"{value:.1f}" for value in (*spread, statistics.median(work), work[-1], errors[-1]))]


def _visits(browser: Browser, address: str, data: dict[str, Any], seconds: float) -> list[list[str]]:
    rows = []
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            for zoom, presses in ZOOMS.items():
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(address)
                page.evaluate("data => { window.data = data }", data)
                rows.append(_row([size, scheme, zoom], measure(page, presses=presses, seconds=seconds)))
                page.close()
    return rows


def section(notes: int = NOTES, seconds: float = SECONDS) -> str:
    """Render the sound, play it in each view, and return a section for the document."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("roll_frames: Chromium is missing; run make setup as someone who may install it")
    score = many_notes(notes)
    data = roll_data(RollView(score, join=48, identity="many", title=f"{notes} notes", source="/files/many.wav"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "many.wav").write_bytes(render_audio(score).wav)
        with running_page([data], Path(folder)) as address, sync_playwright() as driver:
            flags = [*CHROMIUM_FLAGS, "--autoplay-policy=no-user-gesture-required"]
            browser = driver.chromium.launch(executable_path=chromium, args=flags)
            rows = _visits(browser, address, data, seconds)
            browser.close()
    return f"## The roll playing {notes:,} notes, in milliseconds\n\n{EXPLANATION}\n\n{table(HEADS, rows)}"


def main() -> None:
    """Print the section."""
    print(section(*map(int, sys.argv[1:3])))


if __name__ == "__main__":
    main()
