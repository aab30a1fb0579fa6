"""The choice among the shipped seeds that models are heard with; a visitor's own music is for the studio."""

import streamlit as st

from musicdemo.ui import services
from musicdemo.ui.words import known_words


def choose_seed(label: str, *, key: str, first: str = "") -> str:
    """Draw the choice, which begins with the seed `first` or else with that of the menu; return its name."""
    seeds = services.seeds()
    if first and key not in st.session_state:
        st.session_state[key] = first
    name: str = st.selectbox(
        label,
        list(seeds),
        key=key,
        format_func=lambda name: known_words("seeds", name, seeds[name].title),
        width=420,
    )
    return name
