"""A piece's own page in a real browser: hear it, see its score, take it away, make something of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.studio import Open, fetch, roll, wait_for_roll

pytestmark = pytest.mark.e2e


def first_page_of_the_score(page: Page) -> None:
    """Scroll to the score and see that its first page is really drawn."""
    picture = page.get_by_role("img", name=re.compile("1 of|第 1 页"))
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_a_friend_hears_sees_and_takes_the_piece_and_makes_one_of_it(visit: Open, server: str) -> None:
    page = visit("/p/demo")
    expect(page.get_by_role("heading", level=1)).to_have_text("Minuet in G, continued")
    wait_for_roll(page, lambda state: state["ready"] and state["drawn"] > 0)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for_roll(page, lambda state: state["playing"] and state["time"] > 0.3)
    page.get_by_role("button", name="Pause", exact=True).click()
    first_page_of_the_score(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="MusicXML").click()
    assert download.value.suggested_filename == "minuet-in-g-continued-attention-13-demo.musicxml"
    assert download.value.path().read_bytes() == fetch(f"{server}/p/demo.musicxml")
    page.get_by_role("link", name="Make your own from this").click()
    page.wait_for_url(f"{server}/?piece=demo**")
    wait_for_roll(page, lambda state: state["id"] == "demo" and state["ready"])


def test_the_page_fits_a_phone_and_speaks_chinese(visit: Open) -> None:
    page = visit("/p/demo", width=390, height=844, locale="zh-CN")
    wait_for_roll(page, lambda state: state["ready"] and state["drawn"] > 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing has to be scrolled sideways"
    expect(page.get_by_role("link", name="以此为起点创作")).to_be_in_viewport()
    first_page_of_the_score(page)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("link", name="Make your own from this")).to_be_visible()


def test_the_keyboard_reaches_everything_and_copying_says_what_it_did(visit: Open, server: str) -> None:
    page = visit("/p/demo", permissions=["clipboard-read", "clipboard-write"])
    for number, label in enumerate(("Link to this page", "To show it on your own site")):
        page.get_by_label(label).focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Copy", exact=True).nth(number)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Copied.")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == (page.get_by_label(label).input_value())
        assert f"{server}/p/demo" in copied
        assert ("<iframe" in copied) == bool(number)


@contextmanager
def another_site(folder: Path) -> Iterator[str]:
    """Serve a folder as a site of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


def test_the_embedded_form_plays_within_another_site(
    visit: Open, server: str, browser: Browser, tmp_path: Path
) -> None:
    snippet = visit("/p/demo").get_by_label("To show it on your own site").input_value()
    (tmp_path / "mine.html").write_text(f"<!doctype html><h1>Mine</h1>{snippet}", encoding="utf-8")
    context = browser.new_context()
    with another_site(tmp_path) as address:
        page = context.new_page()
        page.goto(f"{address}/mine.html")
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Play", exact=True).click()
        expect(frame.get_by_role("button", name="Pause", exact=True)).to_be_visible()
        way = frame.get_by_role("link", name="Score, files and recipe")
        assert (way.get_attribute("href") or "").startswith(f"{server}/p/demo")
        # The frame is as high as the snippet says, and nothing in it has to be scrolled.
        assert way.evaluate("link => document.documentElement.scrollHeight <= innerHeight")
        context.close()


def test_without_javascript_there_are_a_player_a_picture_and_the_score(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/p/demo")
    expect(page.locator("audio[controls]")).to_be_visible()
    for name in ("Piano roll of", "page 1 of"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
    expect(page.get_by_role("link", name="MIDI", exact=True)).to_be_visible()
    context.close()


def test_colours_follow_the_system(visit: Open) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = visit("/p/demo", color_scheme=scheme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds[scheme] = sum(map(int, re.findall(r"\d+", ground)))
        assert roll(page)["id"] == "demo"
    assert grounds["dark"] < 128 < grounds["light"]
