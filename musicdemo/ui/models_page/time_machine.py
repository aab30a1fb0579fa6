"""The time machine: the same seed through the snapshots of one training, from chance to what it knew in the end."""

import streamlit as st

from musicdemo.checkpoint import CheckpointInfo
from musicdemo.ui.models_page.charts import learning_curve
from musicdemo.ui.models_page.figures import mean_nats, sources
from musicdemo.ui.models_page.listening import ask, is_open, listen, notice
from musicdemo.ui.models_page.seed_choice import choose_seed
from musicdemo.ui.models_page.snapshots import snapshots, steps_of
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import known_words, say

SPOT = "time_machine"
_SLIDER = "snapshot"
FIRST_SEED = "old-hundredth"
"""A hymn in four voices, which is what the snapshots that come along know."""


def time_machine(visit: Visit) -> None:
    """Draw the slider over the snapshots, what the chosen one makes of a seed, and how the figures fell."""
    taken = snapshots()
    if not taken:
        return
    st.header(say("models.time_machine"), anchor=False)
    last = list(taken.values())[-1]
    corpora = say("models.comma").join(known_words("styles", source.corpus) for source in sources(last.metrics))
    st.markdown(say("models.time_machine_about", parameters=f"{last.parameters:,}", corpora=corpora))
    seed_name = choose_seed(say("models.seed_of_snapshots"), key="snapshot_seed", first=FIRST_SEED)
    if st.session_state.get(_SLIDER) not in taken:
        st.session_state[_SLIDER] = list(taken)[-1]
    name = st.select_slider(
        say("models.snapshot"),
        list(taken),
        key=_SLIDER,
        format_func=lambda name: _label(taken[name]),
        on_change=_moved,
        args=(visit, seed_name),
    )
    sound, curve = st.columns(2, gap="medium")
    with sound:
        st.markdown(say("models.listen_for"))
        listen(visit, SPOT, name, seed_name, say("models.after", steps=f"{steps_of(taken[name]):,}"))
        notice(visit)
    with curve:
        learning_curve(list(taken.values()), taken[name])


def _moved(visit: Visit, seed_name: str) -> None:
    """Who has listened once hears each snapshot that the slider comes to."""
    if is_open(SPOT):
        ask(visit, SPOT, st.session_state[_SLIDER], seed_name)


def _label(info: CheckpointInfo) -> str:
    nats = mean_nats(info.metrics)
    steps = f"{steps_of(info):,}"
    return say("models.snapshot_label", steps=steps, nats=f"{nats:.2f}") if nats is not None else steps
