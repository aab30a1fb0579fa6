"""The ways out of the page: what is on the stage as a file, and its own page, which can be handed on."""

from functools import partial

import streamlit as st

from musicdemo.store import Piece
from musicdemo.ui.piece_page.files import KINDS, kinds_of
from musicdemo.ui.pieces import file_name, is_kept
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say

FIRST_KINDS = {".mid": "midi", ".wav": "wav"}
MORE_KINDS = {".ogg": "ogg", ".musicxml": "musicxml", ".abc": "abc", ".svg": "svg", ".json": "json"}


def takeaway(visit: Visit) -> None:
    """Offer the piece on the stage as files; of a seed that is only looked at, say what it is."""
    piece = visit.shown
    if not is_kept(piece):
        st.caption(say("stage.seed_hint"))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for suffix, name in FIRST_KINDS.items():
            _download(piece, suffix, name)
        with st.popover(say("takeaway.more"), key="more_formats"):
            for suffix, name in MORE_KINDS.items():
                if suffix in kinds_of(piece):
                    _download(piece, suffix, name)
                    st.caption(say(f"takeaway.{name}_hint"))
        st.link_button(say("takeaway.page"), f"/p/{piece.id}", help=say("takeaway.page_hint"))


def _download(piece: Piece, suffix: str, name: str) -> None:
    st.download_button(
        say("takeaway.download", name=say(f"takeaway.{name}")),
        data=partial(KINDS[suffix].write, piece),
        file_name=file_name(piece, suffix),
        mime=KINDS[suffix].media_type,
        on_click="ignore",
        key=f"download_{name}",
    )
