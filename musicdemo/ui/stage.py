"""The stage: the roll with its player, the progress of what is being made, and the ways out of the page."""

import streamlit as st

from musicdemo.generation import Progress
from musicdemo.jobs import JobState
from musicdemo.store import Piece
from musicdemo.ui.components.piano_roll import RESEED, RollView, piano_roll
from musicdemo.ui.compose import Task
from musicdemo.ui.pieces import is_kept, shown_title
from musicdemo.ui.recipes import describe
from musicdemo.ui.routes.live import live_source
from musicdemo.ui.sections.actions import go_on_from, tweaks
from musicdemo.ui.sections.takeaway import takeaway
from musicdemo.ui.visit import FINAL_STATES, Visit
from musicdemo.ui.words import say, visit_language

WATCH_SECONDS = 0.3
GROUP = "studio"
"""Rolls of the studio page share a playhead, so that what is heard of them is heard against each other."""


def stage(visit: Visit) -> None:
    """Draw the roll; while a job of this visitor is under way, again and again without the rest of the page."""
    st.fragment(_watch, run_every=WATCH_SECONDS if visit.busy else None)(visit)
    if not visit.busy:
        tweaks(visit)
        takeaway(visit)


def _watch(visit: Visit) -> None:
    task = visit.task
    if task is None:
        _show(visit)
        return
    piano_roll(_view_of_task(task))
    _progress(task)
    if task.job.state in FINAL_STATES:
        st.rerun()


def _show(visit: Visit) -> None:
    """Draw the piece on the stage, and do what was asked for on its roll."""
    answer = piano_roll(_view_of_piece(visit.shown, visit.family))
    if answer.note != visit.note:
        visit.note = answer.note
        st.rerun()  # whoever shows a note's attention stands outside this fragment
    if answer.action == RESEED:
        go_on_from(visit, answer.start, answer.end)
        st.rerun()


def _view_of_piece(piece: Piece, family: str) -> RollView:
    return RollView(
        group=GROUP,
        family=family,
        inside=f"/p/{piece.id}/inside.json?lang={visit_language()}",
        score=piece.score,
        join=piece.join,
        identity=piece.id,
        title=shown_title(piece),
        subtitle=describe(piece.recipe),
        source=f"/p/{piece.id}.wav",
        link=f"/p/{piece.id}" if is_kept(piece) else "",
    )


def _view_of_task(task: Task) -> RollView:
    score, join = task.so_far
    return RollView(
        group=GROUP,
        score=score,
        join=join,
        identity=task.job.id,
        title=task.wish.title,
        subtitle=say("stage.being_written"),
        family=task.job.id,
        source=live_source(task),
        live=True,
        room=task.room,
    )


def _progress(task: Task) -> None:
    progress = task.job.progress
    if task.job.state == JobState.QUEUED:
        st.progress(0.0, text=say("stage.waiting", place=task.job.place))
    elif isinstance(progress, Progress):
        done = min(1.0, progress.bars_done / progress.bars_total)
        st.progress(done, text=say("stage.bars_done", done=progress.bars_done, total=progress.bars_total))
    else:
        st.progress(0.0, text=say("stage.reading" if task.wish.seed else "stage.starting"))
