"""What the controls stand at: their defaults, the Wish that they mean, and a piece's recipe set back into them."""

import math
from typing import Any

import streamlit as st

from musicdemo import DEFAULT_MODEL
from musicdemo.generation import GenerationSettings
from musicdemo.likelihood import AUTO
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compose import FROM_NOTHING, OWN_FILE, Wish
from musicdemo.ui.hub_models import offer_kept, settle_fetch
from musicdemo.ui.visit import OwnFile, Visit
from musicdemo.ui.words import known_words, say, visit_language

OFF = "off"
"""What stands for None in a menu."""

BEAM_WIDTHS = (OFF, *range(2, 17))
POLYPHONIES = (OFF, *range(1, 17))
LEAST_BARS, MOST_BARS = 4, 32
MOST_TEMPERATURE = 2.0
LARGEST_RANDOM_SEED = 2**53 - 1
"""The largest number that a browser holds exactly."""

DEFAULTS: dict[str, Any] = {
    "temperature": 1.0,
    "bars": 8,
    "style": AUTO,
    "beam_width": OFF,
    "beam_kind": "diverse",
    "random_seed": 1,
    "locked": False,
    "top_p": 0.95,
    "top_k": 0,
    "key": OFF,
    "ranges": OFF,
    "max_polyphony": OFF,
    "cadence": False,
}
_KEPT = (*DEFAULTS, "model", "seed_name")


def hold() -> None:
    """Keep what the controls stand at while another page is open: Streamlit forgets widgets that are not drawn."""
    for name in _KEPT:
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]


def prepare(visit: Visit) -> None:
    """Fill the controls before they are drawn: with defaults, or with the recipe of a piece that was just opened."""
    state = st.session_state
    for name, value in DEFAULTS.items():
        state.setdefault(name, value)
    if visit.opened is not None:
        _take_over(visit, visit.opened)
        visit.opened = None
    settle_fetch(visit)
    if visit.models and state.get("model") not in visit.models:
        state["model"] = DEFAULT_MODEL if DEFAULT_MODEL in visit.models else next(iter(visit.models))
    if state.get("seed_name") not in seed_names(visit):
        state["seed_name"] = seed_names(visit)[0]


def wish(visit: Visit, **changes: object) -> Wish:
    """Return what the controls ask for; `changes` replace fields of the wish.

    Raises ValueError for settings that contradict each other.
    """
    name = st.session_state["seed_name"]
    fields: dict[str, Any] = {
        "model": st.session_state["model"],
        "settings": asked_settings(),
        "seed": chosen_seed(visit),
        "seed_name": name,
        "seed_title": seed_title(visit, name),
        "language": visit_language(),
    }
    return Wish(**(fields | changes))


def asked_settings() -> GenerationSettings:
    """Return the settings that the controls stand at."""
    state = st.session_state
    return GenerationSettings(
        bars=state["bars"],
        temperature=state["temperature"],
        top_k=state["top_k"],
        top_p=state["top_p"],
        beam_width=_or_none(state["beam_width"]),
        beam_kind=state["beam_kind"],
        random_seed=state["random_seed"],
        style=state["style"],
        key=_or_none(state["key"]),
        ranges=_or_none(state["ranges"]),
        max_polyphony=_or_none(state["max_polyphony"]),
        cadence=state["cadence"],
    )


def seed_names(visit: Visit) -> list[str]:
    """List what a piece may start from: the visitor's own file first."""
    return [*([OWN_FILE] if visit.own else []), *services.seeds(), FROM_NOTHING]


def seed_title(visit: Visit, name: str) -> str:
    """Return the title of what a piece may start from."""
    if name == FROM_NOTHING:
        return say("seed.nothing")
    if name == OWN_FILE and visit.own:
        return visit.own.title
    return known_words("seeds", name, services.seeds()[name].title)


def chosen_seed(visit: Visit) -> Score | None:
    """Return the score to continue; None for nothing."""
    name = st.session_state["seed_name"]
    if name == OWN_FILE and visit.own:
        return visit.own.seed
    return services.seeds()[name].score if name in services.seeds() else None


def _or_none(value: Any) -> Any:  # noqa: ANN401  # whatever a menu holds
    return None if value == OFF else value


def _take_over(visit: Visit, piece: Piece) -> None:
    """Set the controls to a recipe; what a later version may have changed falls back to the default."""
    state, recipe = st.session_state, piece.recipe
    settings = {**GenerationSettings().__dict__, **recipe.get("settings", {})}
    state["model"] = recipe.get("model")
    offer_kept(visit, str(state["model"]))
    state["temperature"] = min(MOST_TEMPERATURE, max(0.0, float(settings["temperature"])))
    state["bars"] = min(MOST_BARS, max(LEAST_BARS, settings["bars"]))
    state["style"] = settings["style"]
    state["random_seed"] = min(LARGEST_RANDOM_SEED, settings["random_seed"])
    state["top_p"] = min(1.0, max(0.05, math.floor(settings["top_p"] * 20 + 0.5) / 20))
    state["top_k"] = min(64, settings["top_k"])
    state["beam_kind"] = settings["beam_kind"]
    state["cadence"] = settings["cadence"]
    for name, choices in (("beam_width", BEAM_WIDTHS), ("max_polyphony", POLYPHONIES)):
        state[name] = settings[name] if settings[name] in choices else OFF
    for name in ("key", "ranges"):
        state[name] = settings[name] or OFF
    state["seed_name"] = recipe.get("seed", FROM_NOTHING)
    if state["seed_name"] == OWN_FILE:
        visit.own = OwnFile(recipe.get("seed_title", piece.title), piece.score.clipped(0, max(1, piece.join)))
