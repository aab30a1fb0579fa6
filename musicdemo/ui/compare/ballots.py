"""Votes in a blind comparison: the buttons, what is told afterwards, and how all votes stand."""

import os

import streamlit as st

from musicdemo.errors import StoreError
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compare.lanes import LETTERS, Comparison, Lane
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say
from musicdemo.votes import KINDS, VoteBook, comparison_id

MODEL, TEMPERATURE = KINDS
HEADINGS = {MODEL: ("tally_models", "one_model"), TEMPERATURE: ("tally_temperatures", "one_temperature")}


@st.cache_resource(show_spinner=False)
def vote_book() -> VoteBook:
    """Open the votes, which lie in the database of the pieces."""
    return VoteBook(os.environ.get("DATABASE_URL") or f"sqlite:///{services.DATABASE_FILE}")


def ballot(visit: Visit, comparison: Comparison) -> None:
    """Ask which lane is best; the answer, or the wish not to give one, tells the names."""
    kind = kind_of(comparison.lanes)
    with st.container(border=True, key="ballot"):
        st.markdown(f"**{say('compare.question')}**")
        with st.container(horizontal=True):
            for number in range(len(comparison.lanes) if kind else 0):
                st.button(
                    say("compare.vote", letter=LETTERS[number]),
                    key=f"vote_{number}",
                    on_click=_vote,
                    args=(visit, comparison, kind, number),
                )
            st.button(say("compare.reveal"), key="reveal", on_click=_reveal, args=(comparison,))
        if kind is None:
            st.caption(say("compare.no_vote"))


def result_words(comparison: Comparison) -> str:
    """Say which lane the vote on this comparison went to; "" before it."""
    kind = kind_of(comparison.lanes)
    best = vote_book().best(_identity(comparison)) if kind else None
    for letter, lane in zip(LETTERS, comparison.lanes, strict=False):
        if kind and best == entrant_of(lane, kind):
            return say("compare.voted", letter=letter)
    return ""


def tallies() -> None:
    """Draw how all votes stand; nothing before the first."""
    for kind, (title, entrant) in HEADINGS.items():
        found = vote_book().tally(kind)
        if found:
            st.markdown(f"**{say(f'compare.{title}')}**")
            st.dataframe(
                {
                    say(f"compare.{entrant}"): [each.entrant for each in found],
                    say("compare.wins"): [each.wins for each in found],
                    say("compare.comparisons"): [each.comparisons for each in found],
                },
                hide_index=True,
                width="content",
            )
    st.caption(say("compare.tally_note"))


def kind_of(lanes: list[Lane]) -> str | None:
    """Return what the lanes differ in, if that is one thing only and all else, the seed included, is the same."""
    pieces = [lane.piece for lane in lanes if lane.piece]
    if len(pieces) < 2 or len(pieces) < len(lanes) or len({_all_else(piece) for piece in pieces}) > 1:
        return None
    if any(piece.score.clipped(0, piece.join) != pieces[0].score.clipped(0, pieces[0].join) for piece in pieces):
        return None
    models, temperatures = {lane.model for lane in lanes}, {lane.temperature for lane in lanes}
    if len(models) == len(lanes) and len(temperatures) == 1:
        return MODEL
    return TEMPERATURE if len(temperatures) == len(lanes) and len(models) == 1 else None


def entrant_of(lane: Lane, kind: str) -> str:
    """Return the name that a lane stands for election by."""
    return lane.model if kind == MODEL else f"{lane.temperature:g}"


def _all_else(piece: Piece) -> str:
    settings = {name: value for name, value in piece.recipe["settings"].items() if name != "temperature"}
    return repr((piece.join, sorted(settings.items())))


def _identity(comparison: Comparison) -> str:
    return comparison_id(lane.token for lane in comparison.lanes)


def _vote(visit: Visit, comparison: Comparison, kind: str, number: int) -> None:
    entrants = [entrant_of(lane, kind) for lane in comparison.lanes]
    try:
        if not vote_book().cast(_identity(comparison), kind=kind, entrants=entrants, best=entrants[number]):
            visit.notice = say("compare.voted_before")
    except StoreError as error:
        visit.notice = str(error)
        return
    _reveal(comparison)


def _reveal(comparison: Comparison) -> None:
    comparison.is_blind = False
