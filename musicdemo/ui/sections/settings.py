"""How to go on: the model, how bold it is, how far, and under Advanced what the new bars must keep to."""

import streamlit as st

from musicdemo.generation.settings import BEAM_KINDS
from musicdemo.hub.name import short_name
from musicdemo.likelihood import AUTO
from musicdemo.music.instrument_ranges import RANGES
from musicdemo.music.scales import DETECTED, SCALES
from musicdemo.ui.asked import (
    BEAM_WIDTHS,
    LARGEST_RANDOM_SEED,
    LEAST_BARS,
    MOST_BARS,
    MOST_TEMPERATURE,
    OFF,
    POLYPHONIES,
    hold,
)
from musicdemo.ui.hub_models import hub_link
from musicdemo.ui.sections.preview import preview
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import known_words, say

TONICS = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
KEYS = (OFF, DETECTED, *(f"{tonic} {name}" for name in SCALES for tonic in TONICS))


def setting_controls(visit: Visit) -> None:
    """Draw the settings, those most often changed first."""
    st.fragment(_temperature)(visit)
    st.slider(say("settings.bars"), LEAST_BARS, MOST_BARS, key="bars")
    st.select_slider(
        say("settings.beam_width"), BEAM_WIDTHS, key="beam_width", help=say("settings.beam_help"), format_func=_or_off
    )
    st.selectbox(
        say("settings.model"), list(visit.models), key="model", format_func=lambda name: model_title(visit, name)
    )
    hub_link()
    _style(visit)
    number, lock = st.columns([2, 1], vertical_alignment="bottom")
    number.number_input(
        say("settings.random_seed"), 0, LARGEST_RANDOM_SEED, key="random_seed", help=say("settings.random_seed_help")
    )
    lock.toggle(say("settings.lock"), key="locked", help=say("settings.lock_help"))
    with st.expander(say("settings.advanced")):
        _wishes()
        _draw()


def model_title(visit: Visit, name: str) -> str:
    """Return the words for a model in a menu."""
    title, short = visit.models[name].title, short_name(name)
    return title if title.lower() == short.lower() else f"{short} — {title}"


def style_title(name: str) -> str:
    """Return the words for a style; those of a stranger's model are its own."""
    return known_words("styles", name)


def key_title(name: str) -> str:
    """Return the words for a key such as "D minor"."""
    if name in (OFF, DETECTED):
        return say(f"settings.key_{name}")
    tonic, _, scale = name.partition(" ")
    return say("settings.key_named", tonic=tonic, scale=known_words("scales", scale))


def _temperature(visit: Visit) -> None:
    """Draw the slider and what it does to the next note: a fragment, so that a move need not draw the whole page."""
    st.slider(
        say("settings.temperature"),
        0.0,
        MOST_TEMPERATURE,
        step=0.05,
        key="temperature",
        help=say("settings.temperature_help"),
        on_change=hold,  # no run of the whole page does it after a move
    )
    preview(visit)


def _style(visit: Visit) -> None:
    info = visit.models.get(st.session_state.get("model", ""))
    styles = (AUTO, *(info.styles if info else ()))
    if st.session_state["style"] not in styles:
        st.session_state["style"] = AUTO
    st.selectbox(say("settings.style"), styles, key="style", help=say("settings.style_help"), format_func=style_title)


def _wishes() -> None:
    for name, choices in (("key", KEYS), ("ranges", (OFF, *RANGES))):
        if st.session_state[name] not in choices:
            st.session_state[name] = OFF
    st.selectbox(say("settings.key"), KEYS, key="key", format_func=key_title, help=say("settings.key_help"))
    st.selectbox(
        say("settings.ranges"),
        (OFF, *RANGES),
        key="ranges",
        format_func=lambda name: say(f"settings.ranges_{name}"),
        help=say("settings.ranges_help"),
    )
    st.select_slider(
        say("settings.polyphony"),
        POLYPHONIES,
        key="max_polyphony",
        help=say("settings.polyphony_help"),
        format_func=_or_off,
    )
    st.toggle(say("settings.cadence"), key="cadence", help=say("settings.cadence_help"))


def _draw() -> None:
    st.slider("Top-p", 0.05, 1.0, step=0.05, key="top_p", help=say("settings.top_p_help"))
    st.slider("Top-k", 0, 64, key="top_k", help=say("settings.top_k_help"))
    st.selectbox(
        say("settings.beam_kind"),
        BEAM_KINDS,
        key="beam_kind",
        format_func=lambda name: say(f"settings.beam_{name}"),
        help=say("settings.beam_kind_help"),
    )


def _or_off(value: object) -> str:
    return say("settings.off") if value == OFF else str(value)
