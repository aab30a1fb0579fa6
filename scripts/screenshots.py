"""Take the pictures in docs/screenshots: python -m scripts.screenshots."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.studio_server import CHROMIUM_FLAGS, ROOT, find_chromium, running_server

FOLDER = ROOT / "docs" / "screenshots"
VIEWS = {"studio-light": (1280, 760, "light"), "studio-dark": (1280, 760, "dark"), "studio-phone": (390, 844, "light")}
LISTEN_MILLISECONDS = 2500
SETTLE_MILLISECONDS = 1500


def play_new_part(page: Page) -> None:
    """Play from shortly before the join, so that the playhead is seen at work."""
    page.wait_for_function("JSON.parse(document.querySelector('[data-roll]').dataset.roll).ready", timeout=60_000)
    page.get_by_role("button", name="New part").click()
    page.wait_for_timeout(LISTEN_MILLISECONDS)


def take_inside(browser: Browser, address: str) -> None:
    """Take what the attention network read, note by note."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(address)
    page.get_by_text("Look inside the network").click()
    chart = page.get_by_test_id("stPlotlyChart")
    chart.wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    chart.scroll_into_view_if_needed()
    chart.screenshot(path=FOLDER / "inside.png")
    page.close()


def take_piece(browser: Browser, address: str) -> None:
    """Take the page of a piece, with its score."""
    page = browser.new_page(viewport={"width": 1100, "height": 1150})
    page.goto(f"{address}/p/demo")
    page.locator("[data-roll]").wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=FOLDER / "piece.png")
    page.close()


def main() -> None:
    """Start a studio, visit it in each view, and save what is seen."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("screenshots: Chromium is missing; run make setup as someone who may install it")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as address, sync_playwright() as driver:
        flags = [*CHROMIUM_FLAGS, "--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        for name, (width, height, scheme) in VIEWS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address)
            page.locator("[data-roll]").first.wait_for(timeout=60_000)
            play_new_part(page)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()
        take_inside(browser, address)
        take_piece(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
