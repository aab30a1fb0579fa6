"""The roll in the studio with real pieces and networks: selections gone on from, surprise, attention, early sound."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.studio import Open, choose_option, fetch, roll, upload_seed, wait_for_roll

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("path", "words", "size"),
    [
        ("/", ("New bars", "Go on from here"), (1360, 900)),
        ("/?lang=zh", ("新小节数", "从这里续写"), (390, 844)),
    ],
    ids=["en", "zh-phone"],
)
def test_a_selection_is_gone_on_from_in_one_click(
    visit: Open, server: str, path: str, words: tuple[str, str], size: tuple[int, int]
) -> None:
    page = visit(path, width=size[0], height=size[1])
    before = wait_for_roll(page, lambda state: state["ready"])["id"]
    page.get_by_role("slider", name=words[0]).press("Home")
    page.wait_for_timeout(500)
    view = page.get_by_role("application").first
    view.focus()
    for key in ("ArrowRight", "ArrowRight", "[", "ArrowRight", "ArrowRight", "]"):
        view.press(key)
    chosen = wait_for_roll(page, lambda state: state["selection"] and state["selection"]["end"] < 10)["selection"]
    page.get_by_role("button", name=words[1]).click()
    state = wait_for_roll(page, lambda state: state["id"] != before and state["id"] in page.url and state["ready"])
    recipe = json.loads(fetch(f"{server}/p/{state['id']}.json"))
    assert recipe["seed"]["bars"] == chosen["end"] - chosen["first"]
    assert recipe["settings"]["bars"] == 4


def test_surprise_and_attention_of_a_real_network_are_seen(visit: Open) -> None:
    page = visit()
    wait_for_roll(page, lambda state: state["ready"])
    page.get_by_role("button", name="By surprise").click()
    wait_for_roll(page, lambda state: state["colour"] == "surprise" and state["inside"])
    page.get_by_role("button", name="Arcs").click()
    view = page.get_by_role("application").first
    view.focus()
    for _ in range(40):
        view.press(".")
    wait_for_roll(page, lambda state: state["chosen"] is not None and state["arcs_drawn"] > 0)


def test_a_network_without_attention_shows_what_its_choice_rested_on(visit: Open) -> None:
    page = visit()
    before = wait_for_roll(page, lambda state: state["ready"])["id"]
    choose_option(page.get_by_role("combobox", name="Model", exact=True).first, "GRU")
    page.get_by_role("slider", name="New bars").press("Home")
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Continue", exact=True).click()
    wait_for_roll(page, lambda state: state["id"] != before and state["id"] in page.url and state["ready"])
    page.get_by_role("button", name="Arcs").click()
    view = page.get_by_role("application").first
    view.focus()
    for _ in range(20):
        view.press(".")
    wait_for_roll(page, lambda state: state["chosen"] is not None and state["arcs_drawn"] > 0)


@pytest.mark.parametrize(
    ("path", "words", "size"),
    [
        ("/", ("Beam width", "New bars", "Continue", "Stop"), (1360, 900)),
        ("/?lang=zh", ("束宽", "新小节数", "续写", "停止"), (390, 844)),
    ],
    ids=["en", "zh-phone"],
)
def test_a_wait_shows_how_far_it_is_and_can_be_stopped(
    visit: Open, server: str, path: str, words: tuple[str, ...], size: tuple[int, int]
) -> None:
    page = visit(path, width=size[0], height=size[1])
    wait_for_roll(page, lambda state: state["ready"])
    width, bars, go, stop = words
    page.get_by_role("slider", name=width).press("End")
    page.get_by_role("slider", name=bars).press("End")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="32")).to_have_count(1)
    page.get_by_role("button", name=go, exact=True).click()
    expect(page.get_by_test_id("stProgress")).to_contain_text("32")
    page.get_by_role("button", name=stop, exact=True).click()
    expect(page.get_by_role("button", name=go, exact=True)).to_be_visible()
    wait_for_roll(page, lambda state: "job=" not in page.url and state["ready"])
    expect(page.get_by_test_id("stProgress")).to_have_count(0)


def test_the_first_bars_are_heard_while_the_rest_is_made_and_the_music_plays_on(visit: Open) -> None:
    page = visit()
    upload_seed(page)
    page.get_by_role("slider", name="New bars").press("End")
    page.get_by_role("slider", name="Beam width").press("End")
    expect(page.get_by_test_id("stSliderThumbValue").filter(has_text="32")).to_have_count(1)
    page.get_by_role("button", name="Continue", exact=True).click()
    wait_for_roll(page, lambda state: state["sound"].startswith("/job/") and state["ready"])
    page.get_by_role("button", name="Play", exact=True).first.click()
    early = wait_for_roll(page, lambda state: state["playing"] and state["time"] > 0.2)
    done = wait_for_roll(page, lambda state: state["id"] in page.url and state["ready"] and state["playing"])
    assert done["time"] >= early["time"], "it goes on where it was"
    assert roll(page)["playing"]
