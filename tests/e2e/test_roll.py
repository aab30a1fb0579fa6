"""The roll as a person uses it: by mouse, keyboard and finger, on a page of its own and in the studio."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import Browser, Locator, Page, expect

from musicdemo.music.note_order import note_order
from musicdemo.render.audio import render_audio
from musicdemo.ui import services
from musicdemo.ui.components.piano_roll import RollView, roll_data
from musicdemo.ui.pieces import demo_piece
from musicdemo.ui.routes import sound
from scripts.roll_page import running_page
from tests.e2e.studio import Open, roll, wait_for_roll

pytestmark = pytest.mark.e2e

DEMO = demo_piece()
VIEW = RollView(DEMO.score, DEMO.join, identity="demo", title="A tune", source="/p/demo.wav", family="tune")
BARS = [bar.start for bar in DEMO.score.bars] + [DEMO.score.bars[-1].end]
NOTES = note_order(DEMO.score)
ATTENTIVE, ATTRIBUTED = "/files/attentive/inside.json?model=a", "/files/attributed/inside.json"
ALTERNATIVES = [["C5", 0.5], ["D5", 0.25], ["<b>E5</b>", 0.125]]
RULER = 12
OpenRoll = Callable[..., Page]


def inside(reads: bool) -> dict[str, Any]:
    """Notes of 0, 1, 2 ... bits in turn, the first not measured; each reads the two before it."""
    notes = [None, *([at % 13, 2.0 ** -(at % 13), ALTERNATIVES] for at in range(1, len(NOTES)))]
    read = [[[before, 1 / (at - before)] for before in range(max(0, at - 2), at)] for at in range(len(NOTES))]
    return {"kind": "attention" if reads else "attribution", "notes": notes, "reads": read if reads else None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("roll")
    for name in ("attentive", "attributed"):
        (place / name).mkdir()
        (place / name / "inside.json").write_text(json.dumps(inside(name == "attentive")))
    (place / "attributed" / "reads.json").write_text(json.dumps({"reads": [[0, 1.0], [1, -0.5], [2, 0.25]]}))
    (place / "seed.wav").write_bytes(render_audio(DEMO.score.clipped(0, DEMO.join)).wav)
    yield place
    services.sounds().close()
    st.cache_resource.clear()


@pytest.fixture
def open_roll(browser: Browser, folder: Path) -> Iterator[OpenRoll]:
    """Open a page with rolls of these views; in the end, none may have complained."""
    ends: list[Callable[[], Any]] = []
    complaints: list[str] = []

    def open_page(*views: RollView, language: str = "en", width: int = 1100, **options: Any) -> Page:
        data = [roll_data(view, language=language) for view in views]
        server = running_page(data, folder, *sound.routes(), language=language)
        address = server.__enter__()
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        ends.extend([lambda: server.__exit__(None, None, None), context.close])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        ready(page)
        return page

    yield open_page
    for end in reversed(ends):
        end()
    assert not complaints


def ready(page: Page) -> dict[str, Any]:
    page.locator("[data-roll]").first.wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-roll]')].every(host => JSON.parse(host.dataset.roll).ready)"
    )
    return states(page)[0]


def states(page: Page) -> list[dict[str, Any]]:
    return [
        json.loads(text)
        for text in page.evaluate("[...document.querySelectorAll('[data-roll]')].map(host => host.dataset.roll)")
    ]


def wait_for(page: Page, place: int, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Watch the roll at `place` of several until it is as wanted."""
    for _ in range(400):
        state = states(page)[place]
        if condition(state):
            return state
        page.wait_for_timeout(25)
    pytest.fail(f"the roll stayed at {states(page)[place]}")


def roll_view(page: Page, name: str = "Piano roll") -> Locator:
    return page.get_by_role("application", name=name).first


def x_of_bar(state: dict[str, Any], bar: float) -> float:
    """Pixels from the left of the roll to a place in a bar, counted from 0; the demo keeps one metre and tempo."""
    seconds = bar * DEMO.score.seconds_at(BARS[1])
    return float(46 + (seconds - state["offset"]) * state["scale"])


def drag(page: Page, view: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = view.bounding_box()
    assert box
    page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + (start[0] + end[0]) / 2, box["y"] + end[1])
    page.mouse.move(box["x"] + end[0], box["y"] + end[1])
    page.mouse.up()


def bars(state: dict[str, Any]) -> list[int] | None:
    return state["selection"] and [state["selection"]["first"], state["selection"]["end"]]


# --- selection -------------------------------------------------------------------------------------------------------


def test_bars_are_selected_on_the_ruler_moved_by_a_handle_and_continued(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    view, state = roll_view(page), ready(page)
    drag(page, view, (x_of_bar(state, 1.3), RULER), (x_of_bar(state, 3.6), RULER))
    wait_for_roll(page, lambda state: bars(state) == [1, 4])
    expect(page.get_by_text("Bars 2 to 4 selected")).to_be_visible()
    drag(page, view, (x_of_bar(state, 4), RULER), (x_of_bar(state, 2.2), RULER))
    wait_for_roll(page, lambda state: bars(state) == [1, 2])
    page.get_by_role("button", name="Go on from here").click()
    assert page.evaluate("acted") == [{"id": "demo", "name": "reseed", "start": BARS[1], "end": BARS[2]}]
    page.wait_for_function("told.length > 0")
    assert page.evaluate("told.at(-1)") == {"id": "demo", "start": BARS[1], "end": BARS[2], "note": None}
    view.press("Escape")
    wait_for_roll(page, lambda state: state["selection"] is None)
    drag(page, view, (x_of_bar(state, 0.5), 200), (x_of_bar(state, 1.5), 200))
    assert roll(page)["selection"] is None, "without Shift the roll is scrolled"
    page.keyboard.down("Shift")
    drag(page, view, (x_of_bar(state, 2.5), 200), (x_of_bar(state, 0.5), 200))
    wait_for_roll(page, lambda state: bars(state) == [0, 3])


def test_selection_made_by_keys_is_played_over_and_over(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    view = roll_view(page)
    view.press("ArrowRight")
    wait_for_roll(page, lambda state: state["time"] > 0)
    view.press("]")
    view.press("[")
    state = wait_for_roll(page, lambda state: bars(state) == [1, 2])
    page.get_by_role("button", name="Loop").click()
    start, end = wait_for_roll(page, lambda state: state["loop"] is not None)["loop"]
    page.get_by_role("button", name="Tempo and volume").click()
    page.get_by_role("slider", name="Tempo").fill("2")
    page.get_by_role("slider", name="Position in the piece").fill(str(round(1000 * (end - 0.4) / state["duration"])))
    view.press("Space")
    wait_for_roll(page, lambda state: state["playing"] and state["time"] > end - 0.3)
    again = wait_for_roll(page, lambda state: state["time"] < end - 0.5)
    assert again["playing"]
    assert start <= again["time"] < end


@pytest.mark.parametrize("language", ["zh"])
def test_finger_chooses_notes_and_selects_bars_on_a_phone(open_roll: OpenRoll, language: str) -> None:
    page = open_roll(VIEW, language=language, width=390, has_touch=True, is_mobile=True)
    view, state = roll_view(page, "钢琴卷帘"), ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing has to be scrolled sideways"
    box = view.bounding_box()
    assert box
    touch_drag(page, box, x_of_bar(state, 0.5), x_of_bar(state, 2.5))
    assert roll(page)["selection"] is None
    select = page.get_by_role("button", name="选择", exact=True)
    select.tap()
    expect(select).to_have_attribute("aria-pressed", "true")
    touch_drag(page, box, x_of_bar(state, 0.5), x_of_bar(state, 2.5))
    wait_for_roll(page, lambda state: bars(state) == [0, 3])
    expect(page.get_by_role("button", name="从这里续写")).to_be_visible()
    select.tap()
    expect(select).to_have_attribute("aria-pressed", "false")
    page.touchscreen.tap(box["x"] + x_of_bar(state, 0) + 2, box["y"] + y_of_note(page, 0))
    wait_for_roll(page, lambda state: state["chosen"] is not None)
    expect(page.locator(".card")).to_contain_text("力度")


def touch_drag(page: Page, box: Any, start: float, end: float) -> None:
    """Draw a finger over the roll and hold it before it is lifted: after a fling the browser ignores the next tap."""
    client, y = page.context.new_cdp_session(page), box["y"] + 150
    for kind, x in (("Start", start), ("Move", (start + end) / 2), ("Move", end), ("Move", end), ("End", None)):
        points = [] if x is None else [{"x": box["x"] + x, "y": y}]
        client.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        page.wait_for_timeout(60)
    client.detach()


def y_of_note(page: Page, at: int) -> float:
    """Pixels from the top of the roll to the middle of a note's row."""
    data, pitch = roll_data(VIEW), NOTES[at][1].pitch
    assert not data["drums"]
    height = page.locator(".view").first.evaluate("node => node.clientHeight")
    return float(24 + (data["high"] - pitch + 0.5) * (height - 24) / (data["high"] - data["low"] + 1))


# --- notes and what the network thought ------------------------------------------------------------------------------


def test_notes_are_read_out_one_by_one_and_played_from(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    view, first = roll_view(page), NOTES[0][1]
    view.press(".")
    wait_for_roll(page, lambda state: state["chosen"] == 0)
    seen = []
    for key in (".", "Alt+ArrowRight", ",", "Alt+ArrowLeft", ","):
        view.press(key)
        page.wait_for_timeout(50)
        seen.append(roll(page)["chosen"])
    assert seen == [1, 2, 1, 0, 0]
    spoken = page.locator(".spoken")
    expect(spoken).to_contain_text("Bar 1, beat 1 · 0:00")
    expect(spoken).to_contain_text(f"velocity {first.velocity}")
    later = next(at for at, (_, note) in enumerate(NOTES) if note.onset >= BARS[1])
    for _ in range(later):
        view.press(".")
    view.press("Enter")
    start = DEMO.score.seconds_at(NOTES[later][1].onset)
    playing = wait_for_roll(page, lambda state: state["playing"])
    assert start - 0.001 <= playing["time"] < start + 1


def test_hovered_note_shows_its_probability_and_alternatives_as_plain_text(open_roll: OpenRoll) -> None:
    page = open_roll(replace(VIEW, inside=ATTENTIVE))
    asked: list[str] = []
    page.on("request", lambda call: asked.append(call.url))
    state, at = ready(page), next(at for at, (_, note) in enumerate(NOTES) if note.onset >= BARS[1])
    x = x_of_bar(state, NOTES[at][1].onset / BARS[1]) + 3
    roll_view(page).hover(position={"x": x, "y": y_of_note(page, at)})
    card = page.locator(".card")
    expect(card).to_contain_text("Bar 2, beat 1")
    expect(card).to_contain_text("Probability")
    expect(card.locator("li")).to_have_count(len(ALTERNATIVES))
    expect(card).to_contain_text("<b>E5</b>")
    roll_view(page).hover(position={"x": x + 200, "y": y_of_note(page, at)})
    assert len([url for url in asked if "inside.json" in url]) == 1, "it is fetched once"


def test_colours_and_arcs_show_what_the_network_thought(open_roll: OpenRoll) -> None:
    page = open_roll(replace(VIEW, inside=ATTENTIVE))
    page.get_by_role("button", name="By surprise").click()
    wait_for_roll(page, lambda state: state["colour"] == "surprise" and state["inside"])
    expect(page.get_by_text("surprising (12 bits or more)")).to_be_visible()
    page.get_by_role("button", name="Arcs").click()
    expect(page.get_by_text("Attention: the arcs lead")).to_be_visible()
    view = roll_view(page)
    for _ in range(4):
        view.press(".")
    wait_for_roll(page, lambda state: state["chosen"] == 3 and state["arcs_drawn"] == 2)
    view.press("Escape")
    wait_for_roll(page, lambda state: state["arcs_drawn"] == 0)
    view.press("Space")
    wait_for_roll(page, lambda state: state["playing"] and state["arcs_drawn"] > 0)


def test_attribution_is_asked_for_the_chosen_note_alone(open_roll: OpenRoll) -> None:
    page = open_roll(replace(VIEW, inside=ATTRIBUTED))
    page.get_by_role("button", name="Arcs").click()
    expect(page.get_by_text("This network has no attention. Input attribution")).to_be_visible()
    with page.expect_request("**/reads.json?note=0"):
        roll_view(page).press(".")
    wait_for_roll(page, lambda state: state["arcs_drawn"] == 3)


def test_thoughts_that_cannot_be_loaded_are_one_sentence(open_roll: OpenRoll) -> None:
    page = open_roll(replace(VIEW, inside="/files/attributed/reads.json?model=c"))
    page.get_by_role("button", name="By surprise").click()
    expect(page.get_by_text("What the network thought could not be loaded")).to_be_visible()


# --- sound -----------------------------------------------------------------------------------------------------------


def test_instruments_are_muted_and_heard_alone_while_it_plays(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    names = [track["name"] for track in roll_data(VIEW)["tracks"]]
    assert len(names) == 2
    roll_view(page).press("Space")
    before = wait_for_roll(page, lambda state: state["time"] > 0.5)
    page.get_by_role("button", name=names[0], exact=True).click()
    muted = wait_for_roll(page, lambda state: state["sound"].endswith("?tracks=1") and state["playing"])
    assert muted["muted"] == [0]
    assert wait_for_roll(page, lambda state: state["time"] > muted["time"])["time"] > before["time"]
    solo = page.get_by_role("button", name=f"Solo: {names[0]}")
    solo.press("Enter")
    wait_for_roll(
        page, lambda state: state["sound"].endswith("?tracks=0") and state["muted"] == [1] and state["playing"]
    )
    expect(solo).to_have_attribute("aria-pressed", "true")
    solo.click()
    page.get_by_role("button", name=names[0], exact=True).click()
    wait_for_roll(page, lambda state: state["sound"] == "/p/demo.wav" and state["muted"] == [] and state["playing"])


def test_tempo_and_volume_are_remembered(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    gear = page.get_by_role("button", name="Tempo and volume")
    gear.click()
    expect(gear).to_have_attribute("aria-expanded", "true")
    page.get_by_role("slider", name="Tempo").fill("1.5")
    page.get_by_role("slider", name="Volume").fill("0.25")
    wait_for_roll(page, lambda state: (state["rate"], state["volume"]) == (1.5, 0.25))
    page.reload()
    state = ready(page)
    assert (state["rate"], state["volume"]) == (1.5, 0.25)
    playing = page.locator("audio").first.evaluate("deck => [deck.playbackRate, deck.volume, deck.preservesPitch]")
    assert playing == [1.5, 0.25, True]


def test_sound_of_the_same_family_takes_over_without_a_break(open_roll: OpenRoll) -> None:
    job = replace(VIEW, identity="job", source="/files/seed.wav", live=True)
    page = open_roll(job)
    short = ready(page)["duration"]
    roll_view(page).press("Space")
    before = wait_for_roll(page, lambda state: state["playing"] and state["time"] > 0.3)
    page.evaluate("data => show(0, data)", roll_data(VIEW))
    after = wait_for_roll(page, lambda state: state["id"] == "demo" and state["duration"] > short + 1)
    assert after["playing"]
    assert after["time"] > before["time"]


def test_sound_that_ran_out_goes_on_when_there_is_more(open_roll: OpenRoll) -> None:
    job = replace(VIEW, identity="job", source="/files/seed.wav", live=True)
    page = open_roll(job)
    end = ready(page)["duration"]
    page.get_by_role("slider", name="Position in the piece").fill("985")
    roll_view(page).press("Space")
    wait_for_roll(page, lambda state: not state["playing"] and state["time"] > end - 0.1)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.evaluate("data => show(0, data)", roll_data(VIEW))
    wait_for_roll(page, lambda state: state["playing"] and state["time"] > end)


def test_another_piece_begins_at_its_beginning_and_waits(open_roll: OpenRoll) -> None:
    page = open_roll(VIEW)
    roll_view(page).press("Space")
    wait_for_roll(page, lambda state: state["time"] > 0.3)
    page.evaluate("data => show(0, data)", roll_data(replace(VIEW, identity="b", source="/files/seed.wav", family="")))
    state = wait_for_roll(page, lambda state: state["id"] == "b" and state["ready"])
    assert (state["playing"], state["time"], state["selection"], state["muted"]) == (False, 0, None, [])


def test_rolls_of_a_group_share_place_and_selection_and_one_sounds(open_roll: OpenRoll) -> None:
    lanes = [replace(VIEW, identity=name, group="lanes", family="", height=180) for name in ("a", "b")]
    page = open_roll(*lanes)
    first, second = (page.get_by_role("application").nth(place) for place in (0, 1))
    assert first.evaluate("node => node.clientHeight") == 180
    first.press("Space")
    leading = wait_for(page, 0, lambda state: state["playing"] and state["time"] > 0.5)
    follower = states(page)[1]
    assert not follower["playing"]
    wait_for(page, 1, lambda state: state["time"] >= leading["time"])
    second.press("Space")
    taken = wait_for(page, 1, lambda state: state["playing"])
    assert taken["time"] > 0.5
    wait_for(page, 0, lambda state: not state["playing"])
    second.press("[")
    assert bars(wait_for(page, 0, lambda state: state["selection"] is not None))
    second.press("Space")
    wait_for(page, 1, lambda state: not state["playing"])
    stopped = states(page)
    assert stopped[0]["time"] == pytest.approx(stopped[1]["time"], abs=0.05)


# --- in the studio ---------------------------------------------------------------------------------------------------


def test_roll_of_the_studio_speaks_chinese_and_keeps_its_selection(visit: Open) -> None:
    page = visit("/?lang=zh")
    state = wait_for_roll(page, lambda state: state["ready"])
    view = roll_view(page, "钢琴卷帘")
    drag(page, view, (x_of_bar(state, 0.5), RULER), (x_of_bar(state, 1.5), RULER))
    wait_for_roll(page, lambda state: bars(state) == [0, 2])
    expect(page.get_by_text("已选第 1 至 2 小节")).to_be_visible()
    expect(page.get_by_role("button", name="从这里续写")).to_be_visible()
    page.wait_for_timeout(800)  # the page has heard of it and was run again
    assert bars(roll(page)) == [0, 2]
