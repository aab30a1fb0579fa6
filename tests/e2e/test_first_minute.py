"""The loop of the studio as a person goes through it: hear, change something, hear again, go back, keep."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.studio import WAIT_SECONDS, Open, roll, wait_for_roll

pytestmark = pytest.mark.e2e

EN = {"go": "Continue", "again": "Again", "wilder": "Wilder", "calmer": "Calmer", "more": "More like this"}
ZH = {"go": "续写", "again": "再来一次", "wilder": "更狂野", "calmer": "更平稳", "more": "类似的再来"}
EN |= {"undo": "Undo", "open": "Open", "history": "This visit", "words": "A note to yourself", "bars": "New bars"}
ZH |= {"undo": "撤销", "open": "打开", "history": "本次访问", "words": "给自己的备注", "bars": "新小节数"}
EN |= {"temperature": "Temperature"}
ZH |= {"temperature": "温度"}


def press(page: Page, name: str) -> str:
    """Press a button that makes a piece, and return the piece's id when it can be heard."""
    before = roll(page)["id"]
    page.get_by_role("button", name=name, exact=True).click()
    state = wait_for_roll(page, lambda state: state["id"] != before and state["id"] in page.url and state["ready"])
    assert f"piece={state['id']}" in page.url, "the address bar names the piece"
    return str(state["id"])


def temperature(page: Page, word: str) -> float:
    return float(page.get_by_role("slider", name=word).input_value())


@pytest.mark.parametrize(
    ("path", "words", "width", "height"), [("/", EN, 1360, 900), ("/?lang=zh", ZH, 390, 844)], ids=["en", "zh-phone"]
)
def test_one_loop_of_hearing_and_changing(
    visit: Open, path: str, words: dict[str, str], width: int, height: int
) -> None:
    page = visit(path, width=width, height=height)
    wait_for_roll(page, lambda state: state["ready"])
    expect(page.get_by_test_id("stBaseButton-primary")).to_have_count(1)
    page.get_by_role("slider", name=words["bars"]).press("Home")
    first = press(page, words["go"])
    again = press(page, words["again"])
    assert again != first
    before = temperature(page, words["temperature"])
    press(page, words["wilder"])
    assert temperature(page, words["temperature"]) == pytest.approx(before + 0.2)
    press(page, words["more"])
    page.get_by_role("button", name=words["undo"], exact=True).click()
    wait_for_roll(page, lambda state: state["id"] in page.url)
    page.get_by_role("button", name=words["undo"], exact=True).click()
    wait_for_roll(page, lambda state: state["id"] == again and again in page.url)
    assert temperature(page, words["temperature"]) == pytest.approx(before)


@pytest.mark.parametrize(("path", "words"), [("/", EN), ("/?lang=zh", ZH)], ids=["en", "zh"])
def test_history_keeps_stars_and_notes(visit: Open, path: str, words: dict[str, str]) -> None:
    page = visit(path)
    wait_for_roll(page, lambda state: state["ready"])
    page.get_by_role("slider", name=words["bars"]).press("Home")
    first = press(page, words["go"])
    press(page, words["again"])
    page.get_by_text(re.compile(words["history"])).click()
    page.get_by_role("button", name="☆").last.click()
    expect(page.get_by_role("button", name="★")).to_have_count(1)
    note = page.get_by_role("textbox", name=words["words"]).first
    note.fill("the **good** one")
    note.press("Enter")
    page.get_by_role("button", name=words["open"], exact=True).first.click()
    wait_for_roll(page, lambda state: state["id"] == first)
    expect(page.get_by_role("textbox", name=words["words"]).first).to_have_value("the **good** one")


def test_language_follows_the_browser_and_can_be_switched(visit: Open) -> None:
    page = visit("/", locale="zh-CN")
    expect(page.get_by_role("button", name="续写", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible(timeout=WAIT_SECONDS * 1000)


def test_other_pages_open_and_the_studio_is_as_it_was(visit: Open) -> None:
    page = visit()
    wait_for_roll(page, lambda state: state["ready"])
    page.get_by_role("slider", name="Temperature").press("End")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="2.00")).to_have_count(1)
    page.get_by_role("link", name="Models", exact=True).click()
    page.wait_for_url("**/models**")
    page.get_by_role("link", name="Studio").click()
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="2.00")).to_have_count(1)
