"""The models page as a person uses it: look at figures, listen to networks, hear one learn, take one to the studio."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.studio import Open, fetch

pytestmark = pytest.mark.e2e

EN = {
    "page": "Models",
    "listen": "Listen to {}",
    "use": "Use {} in the studio",
    "figures": "Measured figures and sources",
}
ZH = {"page": "模型", "listen": "试听 {}", "use": "在工作室中使用 {}", "figures": "测量结果与来源"}
EN |= {"after": "GRU after {} steps", "steps": "Steps of training", "model": "Model", "play": "Play"}
ZH |= {"after": "训练 {} 步后的 GRU", "steps": "训练步数", "model": "模型", "play": "播放"}
EN |= {"hub": "Name on the Hugging Face Hub", "fetch": "Fetch", "no_name": "The Hub knows models as OWNER/NAME"}
ZH |= {"hub": "在 Hugging Face Hub 上的名称", "fetch": "下载", "no_name": "Hub 上的模型名是 OWNER/NAME"}
WAIT_MILLISECONDS = 60_000
PLACES = [("/", EN, 1360, 900), ("/?lang=zh", ZH, 390, 844)]


def opened(visit: Open, path: str, words: dict[str, str], width: int, height: int) -> Page:
    """Come in by the studio, as a visitor does, and go to the models."""
    page = visit(path, width=width, height=height)
    page.get_by_role("link", name=words["page"], exact=True).click()
    page.get_by_role("heading", name=words["page"], level=2, exact=True).wait_for(timeout=WAIT_MILLISECONDS)
    button(page, words["listen"].format("gan")).wait_for()
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def rolls(page: Page) -> list[dict[str, Any]]:
    """What the rolls of the page say of themselves."""
    return [json.loads(each.get_attribute("data-roll") or "{}") for each in page.locator("[data-roll]").all()]


def wait_for_heading(page: Page, words: str) -> None:
    page.get_by_role("heading", name=words, exact=True).wait_for(timeout=WAIT_MILLISECONDS)


@pytest.mark.parametrize(("path", "words", "width", "height"), PLACES, ids=["en", "zh-phone"])
def test_models_are_looked_at_listened_to_and_taken_to_the_studio(
    visit: Open, path: str, words: dict[str, str], width: int, height: int
) -> None:
    page = opened(visit, path, words, width, height)
    tables = page.get_by_test_id("stTable")
    expect(tables).to_have_count(0)
    page.get_by_text(words["figures"]).first.click()
    expect(tables).to_have_count(3)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
    listen = button(page, words["listen"].format("gru"))
    listen.focus()
    page.keyboard.press("Enter")
    wait_for_heading(page, "gru")
    (roll,) = rolls(page)
    assert roll["id"].startswith("/m/gru.wav") and roll["notes"] > 0
    assert fetch(page.url.split("/models")[0] + roll["id"])[:4] == b"RIFF"
    button(page, words["use"].format("gru")).click()
    expect(page.get_by_role("combobox", name=words["model"])).to_have_value(
        re.compile("gru", re.IGNORECASE), timeout=WAIT_MILLISECONDS
    )


@pytest.mark.parametrize(("path", "words", "width", "height"), PLACES, ids=["en", "zh-phone"])
def test_the_slider_of_the_time_machine_is_heard(
    visit: Open, path: str, words: dict[str, str], width: int, height: int
) -> None:
    page = opened(visit, path, words, width, height)
    button(page, words["listen"].format(words["after"].format("3,000"))).click()
    wait_for_heading(page, words["after"].format("3,000"))
    (last,) = rolls(page)
    page.get_by_role("slider", name=words["steps"]).press("Home")
    wait_for_heading(page, words["after"].format("0"))
    (first,) = rolls(page)
    assert first["id"].startswith("/m/snapshots/0.wav") and last["id"].startswith("/m/snapshots/3000.wav")


@pytest.mark.parametrize(("path", "words", "width", "height"), PLACES, ids=["en", "zh-phone"])
def test_a_name_that_is_none_is_answered_with_a_sentence(
    visit: Open, path: str, words: dict[str, str], width: int, height: int
) -> None:
    page = opened(visit, path, words, width, height)
    page.get_by_role("textbox", name=words["hub"]).fill("../x")
    page.keyboard.press("Enter")
    button(page, words["fetch"]).click()
    expect(page.get_by_role("alert")).to_contain_text(words["no_name"])
