"""What a piece starts from: a shipped tune, the visitor's own music, or nothing."""

from pathlib import PurePath

import streamlit as st

from musicdemo.errors import MidiError
from musicdemo.music.midi import read_midi
from musicdemo.ui import services
from musicdemo.ui.asked import seed_names, seed_title
from musicdemo.ui.compose import OWN_FILE
from musicdemo.ui.pieces import show_seed, show_upload
from musicdemo.ui.sections.beginnings import beginnings
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import known_words, say

MAX_UPLOAD_MEGABYTES = 2


def seed_controls(visit: Visit) -> None:
    """Draw the choice of a seed and the place to drop a file."""
    st.selectbox(
        say("seed.start_from"),
        seed_names(visit),
        key="seed_name",
        format_func=lambda name: seed_title(visit, name),
        on_change=_chosen,
        args=(visit,),
    )
    name = st.session_state["seed_name"]
    shipped = services.seeds().get(name)
    if shipped:
        st.caption(known_words("seeds", f"{name}_about", f"{shipped.composer} — {shipped.description}"))
    st.file_uploader(
        say("seed.drop"),
        type=["mid", "midi", "kar", "rmi"],
        key="upload",
        max_upload_size=MAX_UPLOAD_MEGABYTES,
        on_change=_take_upload,
        args=(visit,),
    )
    beginnings(visit)


def _chosen(visit: Visit) -> None:
    """Put the chosen seed on the stage; from nothing there is nothing to see, so what is there stays."""
    name = st.session_state["seed_name"]
    if name == OWN_FILE and visit.own:
        visit.show(show_upload(visit.own.title, visit.own.seed))
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
    visit.bring(PurePath(file.name).stem, midi.score, midi.report)
