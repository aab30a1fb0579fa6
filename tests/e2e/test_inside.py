"""Looking inside, as a person does: open the section, choose what to see, move the temperature."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.studio import Open, choose_option

pytestmark = pytest.mark.e2e


PATIENCE = 30_000


def opened(page: Page) -> None:
    page.locator(".st-key-inside summary").click()
    chart(page)


def chart(page: Page, number: int = 0) -> None:
    page.locator(".st-key-inside .js-plotly-plot .main-svg").nth(3 * number).wait_for(timeout=PATIENCE)


def shows(page: Page, text: str) -> None:
    expect(page.locator(".st-key-inside")).to_contain_text(text, timeout=PATIENCE)


def choose(page: Page, name: str) -> None:
    page.locator(".st-key-inside").get_by_role("radio", name=name, exact=True).click()


def test_nothing_is_computed_before_the_section_is_opened(visit: Open) -> None:
    page = visit("/?lang=en")
    page.locator(".st-key-inside summary").wait_for()
    assert page.locator(".st-key-inside .js-plotly-plot").count() == 0
    opened(page)
    shows(page, "This is attention")
    shows(page, "The strongest link here")


def test_notes_bars_one_note_and_layers_can_be_seen(visit: Open) -> None:
    page = visit("/?lang=en")
    opened(page)
    page.locator(".st-key-inside .js-plotly-plot .nsewdrag").first.hover()
    choose(page, "Bar by bar")
    shows(page, "Bar that was read")
    choose(page, "One note")
    shows(page, "the network gave this pitch")
    shows(page, "no note (start, empty bars)")
    choose(page, "Layers")
    shows(page, "forget gate")
    shows(page, "h_t = o_t ⊙ tanh(c_t)")


def test_on_a_phone_in_chinese_a_network_without_attention_is_said_to_have_none(visit: Open) -> None:
    page = visit("/?lang=zh", width=390, height=800)
    opened(page)
    choose_option(page.locator(".st-key-inside").get_by_role("combobox").first, "gru")
    shows(page, "输入归因")
    page.get_by_role("button", name="测量", exact=False).click()
    chart(page)
    shows(page, "被读的小节")
    choose(page, "隐藏层")
    shows(page, "重置门")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_temperature_shows_at_once_how_many_pitches_are_in_the_running(visit: Open) -> None:
    page = visit("/?lang=en")
    rows = page.locator(".next-note li")
    expect(rows).to_have_count(8, timeout=PATIENCE)
    page.locator(".st-key-temperature").get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("100 %")
    expect(page.get_by_text("as unsure as between 1.0 equally likely pitches")).to_be_visible()
    page.keyboard.press("End")
    expect(rows).to_have_count(8)
