"""Comparing as a person does: ask, watch the lanes fill, hear one against the other, vote blind, see the names."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.studio import WAIT_SECONDS, Open

pytestmark = pytest.mark.e2e

WAIT = WAIT_SECONDS * 1000


def rolls(page: Page) -> list[dict[str, Any]]:
    return [json.loads(each.get_attribute("data-roll") or "{}") for each in page.locator("[data-roll]").all()]


def wait_for_rolls(page: Page, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    for _ in range(WAIT_SECONDS * 10):
        states = rolls(page)
        if condition(states):
            return states
        page.wait_for_timeout(100)
    pytest.fail(f"the rolls stayed at {rolls(page)}")


def test_a_blind_comparison_is_heard_voted_on_and_told(visit: Open) -> None:
    page = visit("/?lang=en")
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_text("This is what they will all begin with")).to_be_visible(timeout=WAIT)
    page.get_by_role("slider", name="New bars").press("Home")
    for model in ("attention", "gan"):  # leave two
        page.get_by_role("button", name=f"Remove {model}").click()
    page.get_by_text("Blind", exact=True).click()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("button", name="A is best")).to_be_visible(timeout=WAIT)
    assert "blind=1" in page.url
    ids = page.url.split("lanes=")[1].split("&")[0].split(".")
    states = wait_for_rolls(page, lambda states: len(states) == 2 and all(state["ready"] for state in states))
    assert [state["id"] for state in states] == ids
    main = page.get_by_test_id("stMain")
    assert "GRU, temperature" not in main.inner_text() and "LSTM, temperature" not in main.inner_text()

    plays = page.get_by_role("button", name="Play", exact=True)
    plays.nth(0).click()
    wait_for_rolls(page, lambda states: states[0]["playing"] and states[0]["time"] > 0.5)
    plays.last.click()  # the other lane's: the first one now says Pause
    states = wait_for_rolls(page, lambda states: states[1]["playing"] and not states[0]["playing"])
    assert states[1]["time"] > 0.4, "it goes on where the other was"

    page.get_by_role("button", name="B is best").click()
    expect(page.get_by_text("The vote went to B")).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("heading", name="temperature 1")).to_have_count(2)
    assert "blind" not in page.url
    page.get_by_text("Votes so far").click()
    expect(page.get_by_text("Blind comparisons of models")).to_be_visible()
    page.get_by_role("link", name="Open in the studio").first.click()
    page.wait_for_url(f"**piece={ids[0]}**", timeout=WAIT)


def test_temperatures_are_compared_on_a_phone_in_chinese(visit: Open) -> None:
    page = visit("/?lang=zh", width=390, height=844)
    page.get_by_role("link", name="对比").click()
    page.get_by_test_id("stRadio").get_by_text("温度", exact=True).click()
    expect(page.get_by_text("温度（两到四种）")).to_be_visible(timeout=WAIT)
    page.get_by_role("slider", name="新小节数").press("Home")
    page.get_by_role("button", name="开始对比").click()
    expect(page.get_by_role("link", name="在工作室中打开")).to_have_count(3, timeout=WAIT)
    expect(page.get_by_role("heading", name="温度 0.7")).to_be_visible()
    expect(page.get_by_text("同一音阶内的音")).to_have_count(3)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), "nothing has to be scrolled sideways"
