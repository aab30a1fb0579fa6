"""The buttons that make music: the first one, and those that tweak what is there."""

import secrets
from dataclasses import replace

import streamlit as st

from musicdemo.errors import JobError
from musicdemo.music.seed_edit import SeedEdit
from musicdemo.store import Piece
from musicdemo.ui.asked import MOST_TEMPERATURE, wish
from musicdemo.ui.compose import FROM_NOTHING, OWN_FILE, submit
from musicdemo.ui.pieces import is_kept
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say

RANDOM_SEEDS = 1_000_000
TEMPERATURE_STEP = 0.2
KEPT_SHARE = 4
"""More like this keeps the first of so many parts of the new bars, a bar at least, and writes the others anew."""


def main_button(visit: Visit) -> None:
    """Draw the one filled-in button or, while music is being made, the one that stops it."""
    if visit.busy and visit.task:
        st.button(say("actions.stop"), key="stop", on_click=visit.task.job.stop, width="stretch")
        return
    name = "generate" if st.session_state["seed_name"] == FROM_NOTHING else "continue"
    st.button(
        say(f"actions.{name}"),
        key="go",
        type="primary",
        width="stretch",
        on_click=start,
        args=(visit,),
        disabled=not visit.models,
    )


def tweaks(visit: Visit) -> None:
    """Draw what a person does next with a piece: most pieces are a change of the last one."""
    temperature = st.session_state["temperature"]
    can = bool(visit.models) and is_kept(visit.shown)
    with st.container(horizontal=True, vertical_alignment="center", key="tweaks"):
        _tweak("again", _again, visit, enabled=can)
        _tweak("wilder", _wilder, visit, enabled=can and temperature < MOST_TEMPERATURE)
        _tweak("calmer", _calmer, visit, enabled=can and temperature > 0)
        _tweak("more", _more, visit, enabled=can and visit.shown.join < visit.shown.score.end)
        _tweak("undo", visit.undo, enabled=visit.can_undo)


def start(visit: Visit) -> None:
    """Ask for what the controls stand at, with a new random seed unless its number is locked."""
    if not st.session_state["locked"]:
        st.session_state["random_seed"] = secrets.randbelow(RANDOM_SEEDS)
    ask(visit)


def ask(visit: Visit, **changes: object) -> None:
    """Put the wish of the controls into the queue; `changes` replace fields of the wish."""
    if visit.busy:
        return
    try:
        visit.task = submit(wish(visit, **changes))
    except (JobError, ValueError) as error:
        visit.notice = str(error)


def go_on_from(visit: Visit, first_step: int, last_step: int) -> None:
    """Continue a selection of the piece on the stage: its bars become the visitor's own seed."""
    piece = visit.shown
    part = piece.score.clipped(first_step, last_step)
    if not part.note_count:
        visit.notice = say("actions.empty_selection")
        return
    numbers = [number for number, bar in enumerate(piece.score.bars, 1) if first_step <= bar.start < last_step]
    title = say("actions.selection_title", title=piece.title, first=numbers[0], last=numbers[-1])
    visit.bring(title, part, edit=SeedEdit())
    start(visit)


def _tweak(name: str, action: object, *arguments: object, enabled: bool) -> None:
    st.button(
        say(f"actions.{name}"),
        key=name,
        help=say(f"actions.{name}_help"),
        on_click=action,  # type: ignore[arg-type]  # Streamlit calls it with whatever args holds
        args=arguments,
        disabled=not enabled,
    )


def _again(visit: Visit) -> None:
    st.session_state["random_seed"] = secrets.randbelow(RANDOM_SEEDS)
    ask(visit)


def _wilder(visit: Visit) -> None:
    _change_temperature(visit, TEMPERATURE_STEP)


def _calmer(visit: Visit) -> None:
    _change_temperature(visit, -TEMPERATURE_STEP)


def _change_temperature(visit: Visit, change: float) -> None:
    """Ask for the same number at another temperature, so that nothing else makes the difference."""
    state = st.session_state
    state["temperature"] = round(min(MOST_TEMPERATURE, max(0.0, state["temperature"] + change)), 2)
    ask(visit)


def _more(visit: Visit) -> None:
    """Keep how the new part begins, and write on from there with another number."""
    piece = visit.shown
    kept = _kept_bars(piece)
    bars = [bar for bar in piece.score.bars if bar.start >= piece.join]
    st.session_state["random_seed"] = secrets.randbelow(RANDOM_SEEDS)
    beginning = piece.score.clipped(0, bars[kept - 1].end)
    if not beginning.note_count:
        visit.notice = say("actions.empty_selection")
        return
    asked = wish(visit)
    settings = replace(asked.settings, bars=max(1, len(bars) - kept))
    title = piece.recipe.get("seed_title", piece.title)
    ask(visit, settings=settings, seed=beginning, seed_name=OWN_FILE, seed_title=title)


def _kept_bars(piece: Piece) -> int:
    new = sum(bar.start >= piece.join for bar in piece.score.bars)
    return max(1, new // KEPT_SHARE)
