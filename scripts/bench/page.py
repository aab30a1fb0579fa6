"""How long a visitor waits, measured in Chromium against a server of its own.

Times are seen from inside the page: from the click to the change of the roll.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from musicdemo.ui.asked import LEAST_BARS
from scripts.studio_server import CHROMIUM_FLAGS, find_chromium, running_server
from training.tables import table

RUNS = 3
NEW_BARS = 16
WATCH = """() => {
  const host = document.querySelector('[data-roll]');
  const look = () => {
    const roll = JSON.parse(host.dataset.roll);
    window.seen.push([performance.now() - window.clicked, roll.id, roll.notes, roll.ready]);
  };
  window.seen = [];
  new MutationObserver(look).observe(host, {attributes: true});
  window.addEventListener('pointerdown', () => { window.clicked = performance.now(); window.seen = []; }, true);
}"""


def roll(page: Page) -> dict[str, Any]:
    """Return what the roll says of itself."""
    state: dict[str, Any] = page.evaluate("JSON.parse(document.querySelector('[data-roll]').dataset.roll)")
    return state


def wait_until_ready(page: Page) -> None:
    """Wait for a saved piece whose sound can be played."""
    page.wait_for_function("JSON.parse(document.querySelector('[data-roll]').dataset.roll).ready", timeout=60_000)


SLIDER_MOVES = 15
SLIDER = """() => {
  const main = document.querySelector('[data-testid=stMain]'), odds = () => main.querySelector('.next-note')?.innerText
  return new Promise(done => {
    const began = performance.now(), before = odds()
    const look = () => odds() === before ? requestAnimationFrame(look) : done(performance.now() - began)
    look()
  })
}"""


def slider_times(page: Page) -> list[float]:
    """Move the temperature slider step by step; return the seconds until the odds of the next note have followed."""
    slider = page.get_by_role("slider", name="Temperature")
    times = []
    for number in range(SLIDER_MOVES):
        slider.focus()
        following = page.evaluate_handle(f"() => ({{answer: ({SLIDER})()}})")
        slider.press("ArrowLeft" if number % 2 else "ArrowRight")
        times.append(page.evaluate("handle => handle.answer", following) / 1000)
        page.wait_for_timeout(300)
    return times


def continuation_times(page: Page, address: str) -> tuple[float, float]:
    """Press the button; return the seconds until the first new notes were drawn and until the sound was there."""
    seed_notes = _seed_notes(page, address)
    before = page.url
    page.get_by_role("button", name="Continue", exact=True).click()
    page.wait_for_url(lambda url: url != before and "piece=" in url, timeout=60_000)
    wait_until_ready(page)
    seen = page.evaluate("window.seen")
    last = seen[-1][1]
    first = next(moment for moment, identity, notes, _ in seen if notes > seed_notes or identity == last)
    ready = next(moment for moment, identity, _, is_ready in seen if identity == last and is_ready)
    return first / 1000, ready / 1000


def _seed_notes(page: Page, address: str) -> int:
    """Choose the four-part seed afresh, so that the roll shows it alone, and count its notes."""
    page.goto(f"{address}/")
    page.locator("[data-roll]").wait_for(timeout=60_000)
    wait_until_ready(page)
    page.get_by_role("combobox", name="Start from").click()
    page.get_by_role("option", name="Old Hundredth").click()
    page.wait_for_function("JSON.parse(document.querySelector('[data-roll]').dataset.roll).id.startsWith('seed-')")
    wait_until_ready(page)
    page.get_by_role("slider", name="New bars").press("Home")
    for _ in range(NEW_BARS - LEAST_BARS):
        page.get_by_role("slider", name="New bars").press("ArrowRight")
    page.wait_for_timeout(500)
    page.evaluate(WATCH)
    return int(roll(page)["notes"])


def measure(page: Page, address: str) -> dict[str, float]:
    """Return the medians of what a visitor waits for."""
    opened = []
    for _ in range(RUNS):
        began = time.perf_counter()
        page.goto(f"{address}/")
        page.locator("[data-roll]").wait_for(timeout=60_000)
        wait_until_ready(page)
        opened.append(time.perf_counter() - began)
    times = [continuation_times(page, address) for _ in range(RUNS)]
    page.goto(f"{address}/")
    page.locator("[data-roll]").wait_for(timeout=60_000)
    wait_until_ready(page)
    moves = slider_times(page)
    return {
        "page open, its piece ready to play": statistics.median(opened),
        f"click to the first new notes drawn, {NEW_BARS} bars of four parts": statistics.median(
            first for first, _ in times
        ),
        f"click to the finished {NEW_BARS} bars with sound": statistics.median(ready for _, ready in times),
        "move of the temperature slider to the odds of the next note": statistics.median(moves),
        f"the slowest of {SLIDER_MOVES} such moves": max(moves),
    }


def section() -> str:
    """Measure, and return a section for the document."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("bench: Chromium is missing; run make setup as someone who may install it")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as address:
        figures = {"server answers after its start": time.perf_counter() - began}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
            figures |= measure(browser.new_page(viewport={"width": 1360, "height": 1000}), address)
            browser.close()
    rows = [[name, f"{seconds:.2f}"] for name, seconds in figures.items()]
    return "## What a visitor of the page waits for, in seconds\n\n" + table(["", "median"], rows)
