"""The pieces of this visit: open one again, star it, write a word beside it."""

import streamlit as st

from musicdemo.ui.recipes import describe
from musicdemo.ui.visit import Entry, Visit
from musicdemo.ui.words import say

MOST_WORDS = 200


def history(visit: Visit) -> None:
    """Draw what was made in this visit, the newest first and the starred before the others."""
    if not visit.history:
        return
    with st.expander(say("history.title", count=len(visit.history)), key="history"):
        for entry in _in_order(visit.history):
            _entry(visit, entry)


def _in_order(entries: list[Entry]) -> list[Entry]:
    newest_first = entries[::-1]
    return [entry for starred in (True, False) for entry in newest_first if entry.starred is starred]


def _entry(visit: Visit, entry: Entry) -> None:
    piece = entry.piece
    with st.container(horizontal=True, vertical_alignment="center"):
        star = "★" if entry.starred else "☆"
        st.button(
            star,
            key=f"star_{piece.id}",
            on_click=_toggle,
            args=(entry,),
            help=say("history.unstar" if entry.starred else "history.star", title=piece.title),
        )
        st.text(f"{piece.title}\n{describe(piece.recipe)}", width="stretch")
        st.text_input(
            say("history.words"),
            value=entry.words,
            key=f"words_{piece.id}",
            max_chars=MOST_WORDS,
            placeholder=say("history.words"),
            label_visibility="collapsed",
            on_change=_note,
            args=(entry,),
            width=220,
        )
        st.button(
            say("history.open"),
            key=f"open_{piece.id}",
            on_click=_open,
            args=(visit, entry),
            disabled=visit.busy or visit.shown.id == piece.id,
        )


def _toggle(entry: Entry) -> None:
    entry.starred = not entry.starred


def _note(entry: Entry) -> None:
    entry.words = st.session_state[f"words_{entry.piece.id}"]


def _open(visit: Visit, entry: Entry) -> None:
    visit.show(entry.piece)
    visit.opened = entry.piece
