"""The stage: the roll with its player, the progress of what is being made, and the ways out of the page."""

from typing import Any

import streamlit as st

from musicdemo.generation import Progress
from musicdemo.hub.name import short_name
from musicdemo.jobs import JobState
from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.components.piano_roll import RollView, piano_roll
from musicdemo.ui.compose import Task
from musicdemo.ui.pieces import file_name, is_kept, score_end
from musicdemo.ui.visit import FINAL_STATES, Visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.3
SEED_HINT = "This is the seed as the network will read it. Press Continue to hear what follows."


def stage(visit: Visit) -> None:
    """Draw the roll; while a job of this visitor is under way, again and again without the rest of the page."""
    st.fragment(_watch, run_every=WATCH_SECONDS if visit.busy else None)(visit)
    if not visit.busy:
        _ways_out(visit.shown)


def _watch(visit: Visit) -> None:
    task = visit.task
    if task is None:
        piano_roll(_view_of_piece(visit.shown))
        return
    piano_roll(_view_of_task(task))
    _progress(task)
    if task.job.state in FINAL_STATES:
        st.rerun()


def _view_of_piece(piece: Piece) -> RollView:
    return RollView(
        score=piece.score,
        join=piece.join,
        identity=piece.id,
        title=piece.title,
        subtitle=describe(piece.recipe),
        source=f"/p/{piece.id}.wav",
        link=f"/p/{piece.id}" if is_kept(piece) else "",
    )


def _view_of_task(task: Task) -> RollView:
    progress, seed = task.job.progress, task.wish.seed
    if isinstance(progress, Progress):
        score, join = progress.score, progress.join
    else:
        score, join = seed or Score(), score_end(seed) if seed else 0
    return RollView(
        score=score,
        join=join,
        identity=task.job.id,
        title=task.wish.title,
        subtitle=say("stage.being_written"),
        live=True,
        room=join + task.wish.settings.bars * score.meter_at(join).bar_steps,
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


def _ways_out(piece: Piece) -> None:
    if not is_kept(piece):
        st.caption(SEED_HINT)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download MIDI",
            data=lambda: write_midi(piece.score),
            file_name=file_name(piece, ".mid"),
            mime="audio/midi",
            on_click="ignore",
            key="download_midi",
        )
        st.download_button(
            "Download WAV",
            data=lambda: services.sounds().wav(piece.score).read_bytes(),
            file_name=file_name(piece, ".wav"),
            mime="audio/wav",
            on_click="ignore",
            key="download_wav",
        )


def describe(recipe: dict[str, Any]) -> str:
    """Say a recipe in one line; "" for a seed."""
    if not recipe:
        return ""
    settings = recipe["settings"]
    beam = settings.get("beam_width")
    parts = [
        short_name(recipe["model"]),
        f"temperature {settings['temperature']:g}",
        f"{recipe['new_bars']} new bars",
        f"beam width {beam}" if beam else "sampled",
        f"style {recipe['style']}" if recipe["style"] else "style left open",
        f"random seed {settings['random_seed']}",
    ]
    return " · ".join(parts if recipe["finished"] else [*parts, "stopped early"])
