"""The controls: what to start from, which model, how bold; read as one Wish when the button is pressed."""

import math
import secrets
from pathlib import PurePath
from typing import Any

import streamlit as st

from musicdemo import DEFAULT_MODEL
from musicdemo.errors import JobError, MidiError
from musicdemo.generation import GenerationSettings
from musicdemo.hub.name import short_name
from musicdemo.likelihood import AUTO
from musicdemo.music.midi import read_midi
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compose import FROM_NOTHING, OWN_FILE, Wish, submit
from musicdemo.ui.hub_models import hub_controls, offer_kept, settle_fetch
from musicdemo.ui.pieces import show_seed, show_upload
from musicdemo.ui.visit import OwnFile, Visit

BEAM_OFF = "off"
BEAM_WIDTHS = (BEAM_OFF, *range(2, 17))
LEAST_BARS, MOST_BARS = 4, 32
FIRST_BARS = 8
LAST_BARS = 32
"""A longer upload is continued from its end, with so many bars before the join, unless its visitor says otherwise."""

RANDOM_SEEDS = 1_000_000
LARGEST_RANDOM_SEED = 2**53 - 1
"""The largest number that a browser holds exactly."""

MAX_UPLOAD_MEGABYTES = 2
BEAM_HELP = (
    "Off, every note is drawn by chance. Beam search follows so many versions at once, which avoid each other, and "
    "keeps the likeliest: safer music that repeats itself more."
)
DEFAULTS: dict[str, Any] = {
    "temperature": 1.0,
    "bars": 8,
    "style": AUTO,
    "beam_width": BEAM_OFF,
    "random_seed": 1,
    "locked": False,
    "top_p": 0.95,
    "top_k": 0,
}


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


def controls(visit: Visit) -> None:
    """Draw the controls of this visit."""
    with st.container(border=True, key="controls"):
        _main_button(visit)  # first, so that on a phone it follows the roll
        _seed_controls(visit)
        _setting_controls(visit)


def seed_names(visit: Visit) -> list[str]:
    """List what a piece may start from: the visitor's own file first."""
    return [*([OWN_FILE] if visit.own else []), *services.seeds(), FROM_NOTHING]


def chosen_seed(visit: Visit) -> Score | None:
    """Return the score to continue; None for nothing."""
    name = st.session_state["seed_name"]
    if name == OWN_FILE and visit.own:
        return _cut(visit.own.score)
    return services.seeds()[name].score if name in services.seeds() else None


def _seed_controls(visit: Visit) -> None:
    st.selectbox(
        "Start from",
        seed_names(visit),
        key="seed_name",
        format_func=lambda name: _seed_title(visit, name),
        on_change=_seed_chosen,
        args=(visit,),
    )
    seed = services.seeds().get(st.session_state["seed_name"])
    if seed:
        st.caption(" — ".join(part for part in (seed.composer, seed.description) if part))
    if st.session_state["seed_name"] == OWN_FILE and visit.own and len(visit.own.score.bars) > FIRST_BARS:
        st.slider(
            "Bars to start from",
            1,
            len(visit.own.score.bars),
            key="seed_bars",
            on_change=_seed_chosen,
            args=(visit,),
        )
    st.file_uploader(
        "or drop a MIDI file of your own",
        type=["mid", "midi", "kar", "rmi"],
        key="upload",
        max_upload_size=MAX_UPLOAD_MEGABYTES,
        on_change=_take_upload,
        args=(visit,),
    )


def _main_button(visit: Visit) -> None:
    if visit.busy and visit.task:
        st.button("Stop", key="stop", on_click=visit.task.job.stop, width="stretch")
        return
    label = "Generate" if st.session_state["seed_name"] == FROM_NOTHING else "Continue"
    st.button(
        label,
        key="go",
        type="primary",
        width="stretch",
        on_click=_start,
        args=(visit,),
        disabled=not visit.models,
    )


def _setting_controls(visit: Visit) -> None:
    st.slider(
        "Temperature",
        0.0,
        2.0,
        step=0.05,
        key="temperature",
        help="How bold to be: 0 always takes the likeliest note, 1 is as in the music it learned, more is wilder.",
    )
    st.slider("New bars", LEAST_BARS, MOST_BARS, key="bars")
    st.select_slider("Beam width", BEAM_WIDTHS, key="beam_width", help=BEAM_HELP)
    st.selectbox("Model", list(visit.models), key="model", format_func=lambda name: _model_title(visit, name))
    hub_controls(visit)
    styles = (AUTO, *_styles(visit))
    if st.session_state["style"] not in styles:
        st.session_state["style"] = AUTO
    st.selectbox("Style", styles, key="style", help="The kind of music to write. Auto reads it from the seed.")
    number, lock = st.columns([2, 1], vertical_alignment="bottom")
    number.number_input(
        "Random seed",
        0,
        LARGEST_RANDOM_SEED,
        key="random_seed",
        help="The same number and settings give the same piece.",
    )
    lock.toggle("Lock", key="locked", help="Locked, the number stays; otherwise each piece draws a new one.")
    with st.expander("Advanced"):
        _advanced_controls()


def _advanced_controls() -> None:
    st.slider(
        "Top-p",
        0.05,
        1.0,
        step=0.05,
        key="top_p",
        help="Draw only from the likeliest notes that together reach this share.",
    )
    st.slider("Top-k", 0, 64, key="top_k", help="Draw only from so many of the likeliest notes; 0 is all of them.")


def _styles(visit: Visit) -> tuple[str, ...]:
    info = visit.models.get(st.session_state.get("model", ""))
    return tuple(info.styles) if info else ()


def _model_title(visit: Visit, name: str) -> str:
    title, short = visit.models[name].title, short_name(name)
    return title if title.lower() == short.lower() else f"{short} — {title}"


def _seed_title(visit: Visit, name: str) -> str:
    if name == FROM_NOTHING:
        return "From nothing"
    if name == OWN_FILE and visit.own:
        return visit.own.title
    return services.seeds()[name].title


def _seed_chosen(visit: Visit) -> None:
    """Put the chosen seed on the stage; from nothing there is nothing to see, so what is there stays."""
    name = st.session_state["seed_name"]
    if name == OWN_FILE and visit.own:
        visit.show(show_upload(visit.own.title, _cut(visit.own.score)))
    elif name in services.seeds():
        visit.show(show_seed(name))


def _take_upload(visit: Visit) -> None:
    file = st.session_state["upload"]
    if file is None:
        return
    try:
        midi = read_midi(file.getvalue())
    except MidiError as error:
        visit.notice = str(error)
        return
    visit.own = OwnFile(PurePath(file.name).stem, midi.score, midi.report)
    st.session_state["seed_name"] = OWN_FILE
    length = max(1, len(midi.score.bars))
    st.session_state["seed_bars"] = (max(1, length - LAST_BARS + 1), length)
    _seed_chosen(visit)


def _cut(score: Score) -> Score:
    """Return the chosen bars of a visitor's own score; all of it where the choice holds no note."""
    bars = score.bars
    if len(bars) <= FIRST_BARS:
        return score
    first, last = st.session_state.get("seed_bars", (1, len(bars)))
    part = score.clipped(bars[first - 1].start, bars[min(last, len(bars)) - 1].end)
    return part if part.note_count else score


def _start(visit: Visit) -> None:
    state = st.session_state
    if not state["locked"]:
        state["random_seed"] = secrets.randbelow(RANDOM_SEEDS)
    try:
        visit.task = submit(_wish(visit))
    except (JobError, ValueError) as error:
        visit.notice = str(error)


def _wish(visit: Visit) -> Wish:
    state = st.session_state
    settings = GenerationSettings(
        bars=state["bars"],
        temperature=state["temperature"],
        top_k=state["top_k"],
        top_p=state["top_p"],
        beam_width=None if state["beam_width"] == BEAM_OFF else state["beam_width"],
        random_seed=state["random_seed"],
        style=state["style"],
    )
    name = state["seed_name"]
    return Wish(state["model"], settings, chosen_seed(visit), name, _seed_title(visit, name))


def _take_over(visit: Visit, piece: Piece) -> None:
    """Set the controls to a recipe; what a later version may have changed falls back to the default."""
    state, recipe = st.session_state, piece.recipe
    settings = recipe.get("settings", {})
    state["model"] = recipe.get("model")
    offer_kept(visit, str(state["model"]))
    state["temperature"] = min(2.0, max(0.0, float(settings.get("temperature", 1.0))))
    state["bars"] = min(MOST_BARS, max(LEAST_BARS, settings.get("bars", FIRST_BARS)))
    state["style"] = settings.get("style", AUTO)
    beam = settings.get("beam_width")
    state["beam_width"] = beam if beam in BEAM_WIDTHS else BEAM_OFF
    state["random_seed"] = min(LARGEST_RANDOM_SEED, settings.get("random_seed", 1))
    state["top_p"] = min(1.0, max(0.05, math.floor(settings.get("top_p", 0.95) * 20 + 0.5) / 20))
    state["top_k"] = min(64, settings.get("top_k", 0))
    state["seed_name"] = recipe.get("seed", FROM_NOTHING)
    if state["seed_name"] == OWN_FILE:
        visit.own = OwnFile(recipe.get("seed_title", piece.title), piece.score.clipped(0, max(1, piece.join)))
        state["seed_bars"] = (1, max(1, len(visit.own.score.bars)))
