"""What axe-core finds on the pages: nothing serious, in light and dark, wide and narrow, in either language.

axe comes with a Python package and is put into the page as text, so nothing is loaded from the web. What it finds of
lesser impact is advice and no law.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.studio import generate, roll, upload_seed, wait_for_roll

pytestmark = pytest.mark.e2e

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RUN_AXE = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
SERIOUS = ("serious", "critical")
WIDE, NARROW = ViewportSize(width=1360, height=900), ViewportSize(width=390, height=844)
WAIT_MILLISECONDS = 60_000
STANDS_STILL = """() => new Promise(done => {
    let before = -1;
    const look = () => {
        const now = document.getElementsByTagName("*").length;
        if (now === before) { done(); return; }
        before = now;
        setTimeout(look, 500);
    };
    look();
})"""
MOST_LEVELS = 5
OPEN_FOLDED = """() => {
    const folded = document.querySelectorAll("details:not([open]) > summary");
    folded.forEach(summary => summary.click());
    return folded.length;
}"""


@contextmanager
def visitor(browser: Browser, address: str) -> Iterator[Page]:
    """Open an address on a wide screen, light, and wait until nothing moves."""
    context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    wait_for_rest(page)
    yield page
    context.close()


def wait_for_rest(page: Page) -> None:
    """Wait until the script has run and no element comes or goes."""
    app = page.get_by_test_id("stApp")
    page.wait_for_load_state("load")
    if app.count():
        page.get_by_role("heading", level=1).wait_for(timeout=WAIT_MILLISECONDS)
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=WAIT_MILLISECONDS)
    page.evaluate(STANDS_STILL)


def unfold(page: Page) -> None:
    """Open whatever is folded, and what is folded in it, so that it is looked at too."""
    for _ in range(MOST_LEVELS):
        if not page.evaluate(OPEN_FOLDED):
            return
        wait_for_rest(page)
    pytest.fail("something stays folded")


def serious(page: Page) -> list[str]:
    """What axe finds: the rule, the element, and what to do about it."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE)
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}\n{node['failureSummary']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def assert_nothing_serious(page: Page) -> None:
    """Look at all of a page twice: wide and light, then narrow and dark."""
    unfold(page)
    for size, dark in ((WIDE, False), (NARROW, True)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark" if dark else "light")
        wait_for_rest(page)
        found = serious(page)
        assert not found, f"{page.url}, {size['width']} px, {'dark' if dark else 'light'}:\n" + "\n\n".join(found)


def test_studio_with_a_visitors_own_file_and_an_error(browser: Browser, server: str) -> None:
    with visitor(browser, f"{server}/?lang=zh") as page:
        upload_seed(page)
        page.locator('input[type="file"]').first.set_input_files(
            {"name": "bad.mid", "mimeType": "audio/midi", "buffer": b"this is not music"}
        )
        expect(page.get_by_role("alert")).to_have_text("这不是 MIDI 文件：开头不是 MThd。")
        assert_nothing_serious(page)


@pytest.mark.parametrize("path", ["/compare?lang=zh", "/models?lang=en"])
def test_other_pages(browser: Browser, server: str, path: str) -> None:
    with visitor(browser, server + path) as page:
        assert_nothing_serious(page)


def test_a_piece_and_its_own_page(browser: Browser, server: str) -> None:
    with visitor(browser, f"{server}/?lang=en") as page:
        wait_for_roll(page, lambda state: state["ready"])
        generate(page)
        assert_nothing_serious(page)
        piece = roll(page)["id"]
    for place in ("?lang=en", "/embed?lang=zh"):
        with visitor(browser, f"{server}/p/{piece}{place}") as page:
            assert_nothing_serious(page)


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<html lang="en"><title>Wrong</title><button></button><p style="color: #ddd">faint</p></html>')
    assert {line.split()[0] for line in serious(page)} == {"button-name", "color-contrast"}
    page.close()
