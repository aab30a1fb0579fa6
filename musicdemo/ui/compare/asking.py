"""What is asked for in a comparison: the seed, how far, and what the lanes differ in."""

import secrets
from dataclasses import dataclass
from typing import Any

import streamlit as st

from musicdemo.generation import GenerationSettings
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.asked import LARGEST_RANDOM_SEED, LEAST_BARS, MOST_BARS, MOST_TEMPERATURE, seed_title
from musicdemo.ui.compare.lanes import LEAST_LANES, MOST_LANES
from musicdemo.ui.compose import FROM_NOTHING, OWN_FILE, Wish
from musicdemo.ui.pieces import show_seed
from musicdemo.ui.sections.actions import RANDOM_SEEDS
from musicdemo.ui.sections.settings import model_title
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say, visit_language

ON_STAGE = "stage"
MODELS, TEMPERATURES = "by_models", "by_temperatures"
TOO_FEW = {MODELS: "too_few_models", TEMPERATURES: "too_few_temperatures"}
CHOICES = tuple(round(0.1 * tenth, 1) for tenth in range(round(10 * MOST_TEMPERATURE) + 1))
FIRST_TEMPERATURES = (0.7, 1.0, 1.3)


@dataclass(frozen=True)
class Beginning:
    """What every lane starts from."""

    score: Score | None
    name: str
    title: str


def questions(visit: Visit) -> None:
    """Draw the questions; answers last as long as the visit."""
    _defaults(visit)
    left, right = st.columns(2, gap="medium")
    with left:
        st.selectbox(
            say("compare.seed"),
            [ON_STAGE, *services.seeds(), FROM_NOTHING],
            key="compare_seed",
            format_func=lambda name: beginning(visit, name).title,
            persist_state="session",
        )
        st.slider(say("compare.bars"), LEAST_BARS, MOST_BARS, key="compare_bars", persist_state="session")
        _random_seed()
    with right:
        st.radio(
            say("compare.differ"),
            (MODELS, TEMPERATURES),
            key="compare_by",
            horizontal=True,
            format_func=lambda name: say(f"compare.{name}"),
            persist_state="session",
        )
        _models(visit) if st.session_state["compare_by"] == MODELS else _temperatures(visit)
        st.toggle(say("compare.blind"), key="compare_blind", help=say("compare.blind_help"), persist_state="session")


def wishes(visit: Visit) -> list[Wish]:
    """Return what the questions were answered with, a wish for each lane; a new random seed unless it is locked.

    Raises ValueError with one sentence where fewer than two lanes were asked for.
    """
    state: Any = st.session_state
    if state["compare_by"] == MODELS:
        pairs = [(model, state["compare_temperature"]) for model in state["compare_models"]]
    else:
        pairs = [(state["compare_model"], temperature) for temperature in sorted(state["compare_temperatures"])]
    if not LEAST_LANES <= len(pairs) <= MOST_LANES:
        raise ValueError(say(f"compare.{TOO_FEW[state['compare_by']]}"))
    if not state["compare_locked"]:
        state["compare_random_seed"] = secrets.randbelow(RANDOM_SEEDS)
    start = beginning(visit, state["compare_seed"])
    return [
        Wish(
            model,
            GenerationSettings(
                bars=state["compare_bars"], temperature=temperature, random_seed=state["compare_random_seed"]
            ),
            start.score,
            start.name,
            start.title if start.score else "",
            visit_language(),
        )
        for model, temperature in pairs
    ]


def beginning(visit: Visit, name: str) -> Beginning:
    """Return what a name of the menu stands for: the seed of the piece on the stage, a shipped one, or nothing."""
    if name == ON_STAGE:
        return _on_stage(visit.shown)
    seed = services.seeds().get(name)
    if seed is None:
        return Beginning(None, FROM_NOTHING, seed_title(visit, FROM_NOTHING))
    return Beginning(seed.score, name, seed_title(visit, name))


def _on_stage(piece: Piece) -> Beginning:
    score = piece.score.clipped(0, piece.join) if piece.join else Score()
    if not score.note_count:
        return Beginning(None, FROM_NOTHING, say("compare.stage_nothing"))
    shipped = next((name for name in services.seeds() if show_seed(name).id == piece.id), OWN_FILE)
    title = piece.recipe.get("seed_title", piece.title)
    return Beginning(score, piece.recipe.get("seed", shipped), say("compare.stage_seed", title=title))


def _defaults(visit: Visit) -> None:
    state: Any = st.session_state
    names = list(visit.models)
    for name, value in {
        "compare_seed": ON_STAGE,
        "compare_bars": LEAST_BARS * 2,
        "compare_random_seed": 1,
        "compare_locked": False,
        "compare_by": MODELS,
        "compare_models": names[:MOST_LANES],
        "compare_model": next(iter(names), None),
        "compare_temperature": 1.0,
        "compare_temperatures": list(FIRST_TEMPERATURES),
        "compare_blind": False,
    }.items():
        state.setdefault(name, value)


def _random_seed() -> None:
    number, lock = st.columns([2, 1], vertical_alignment="bottom")
    number.number_input(
        say("settings.random_seed"),
        0,
        LARGEST_RANDOM_SEED,
        key="compare_random_seed",
        help=say("compare.random_seed_help"),
        persist_state="session",
    )
    lock.toggle(say("settings.lock"), key="compare_locked", help=say("settings.lock_help"), persist_state="session")


def _models(visit: Visit) -> None:
    st.multiselect(
        say("compare.models"),
        list(visit.models),
        key="compare_models",
        max_selections=MOST_LANES,
        format_func=lambda name: model_title(visit, name),
        persist_state="session",
    )
    st.slider(
        say("compare.one_temperature"),
        0.0,
        MOST_TEMPERATURE,
        step=0.05,
        key="compare_temperature",
        persist_state="session",
    )


def _temperatures(visit: Visit) -> None:
    st.selectbox(
        say("compare.one_model"),
        list(visit.models),
        key="compare_model",
        format_func=lambda name: model_title(visit, name),
        persist_state="session",
    )
    st.multiselect(
        say("compare.temperatures"),
        CHOICES,
        key="compare_temperatures",
        max_selections=MOST_LANES,
        format_func=lambda value: f"{value:g}",
        persist_state="session",
    )
