"""What a beam search found besides its best, as a person meets it: heard, kept, and gone on from."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, Page, expect

from tests.e2e.studio import WAIT_SECONDS, Open, generate, wait_for_roll

pytestmark = pytest.mark.e2e

WAIT = WAIT_SECONDS * 1000


def second_roll(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(page.locator("[data-roll]").nth(1).get_attribute("data-roll") or "{}")
    return state


def test_versions_are_heard_and_kept_and_the_tree_is_gone_on_from(visit: Open) -> None:
    page = visit("/?lang=en")
    width = page.get_by_role("slider", name="Beam width")
    width.press("ArrowRight")
    width.press("ArrowRight")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="3")).not_to_have_count(0)
    generate(page)
    first = page.url
    expect(page.get_by_role("heading", name="What else the search found")).to_be_visible(timeout=WAIT)
    expect(page.locator("[data-roll]")).to_have_count(2, timeout=WAIT)
    page.get_by_text("2: ", exact=False).filter(has_text="bits a note").first.click()
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible(timeout=WAIT)
    for _ in range(WAIT_SECONDS * 10):
        if second_roll(page).get("ready"):
            break
        page.wait_for_timeout(100)
    assert second_roll(page)["ready"], "it has a sound"
    page.get_by_role("button", name="Keep this one").click()
    page.wait_for_url(lambda url: "piece=" in url and url != first, timeout=WAIT)
    kept = page.url

    markers = page.locator(".js-plotly-plot .scatterlayer .points path")
    expect(markers).not_to_have_count(0, timeout=WAIT)
    go_on = page.get_by_role("button", name="Continue from here")
    for _ in range(20):  # the chart may be drawn anew under the pointer
        page.wait_for_timeout(500)
        with suppress(Error):
            markers.nth(1).click(force=True, timeout=2000)
        if go_on.count():
            break
    go_on.click()
    wait_for_roll(page, lambda state: state["id"].startswith("preview-"))

    friend = visit(f"/?{urlsplit(kept).query}".replace("lang=en", "lang=zh"), width=390, height=844)
    expect(friend.get_by_role("heading", name="束搜索找到的其他版本")).to_be_visible(timeout=WAIT)
    place = friend.get_by_role("combobox", name="树上的位置")
    friend.wait_for_timeout(1500)  # a run of the page that is still on its way would close the menu
    place.press("ArrowDown")
    place.press("ArrowDown")
    place.press("Enter")
    expect(friend.get_by_role("button", name="从这里继续")).to_be_visible(timeout=WAIT)
    main = friend.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), "nothing has to be scrolled sideways"
