"""Hearing a model: a button that has its demo made, how far it is, and then the roll that plays it."""

from collections.abc import MutableMapping

import streamlit as st

from musicdemo.errors import JobError
from musicdemo.generation import Progress
from musicdemo.jobs import Job, JobState
from musicdemo.ui.components.piano_roll import RollView, piano_roll
from musicdemo.ui.models_page.demos import SETTINGS, Demo, address, ask_for_demo, ready_demo
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.visit import FINAL_STATES, Visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.3
ROLL_PIXELS = 180
GROUP = "models"
_WANTED, _UNDER_WAY = "models_heard", "models_jobs"


def listen(visit: Visit, spot: str, model: str, seed_name: str, title: str) -> None:
    """Draw what is heard at a place of the page: the button, the progress, or the roll of the demo."""
    job = _jobs().get(spot)
    if job is not None and job.state in FINAL_STATES:
        _settle(visit, spot, job)
        job = None
    if job is not None:
        st.fragment(_watch, run_every=WATCH_SECONDS)(spot, job)
        return
    demo = ready_demo(model, seed_name) if is_open(spot) else None
    if demo is None:
        label = say("models.listen_to", name=title)
        st.button(label, key=f"listen_{spot}", on_click=ask, args=(visit, spot, model, seed_name))
        return
    _roll(spot, demo, title)


def ask(visit: Visit, spot: str, model: str, seed_name: str) -> None:
    """Have the demo made for a place, in the place of what is being made for it; one that is ready is shown at once."""
    running = _jobs().pop(spot, None)
    if running is not None:
        running.stop()
    _opened()[spot] = True
    if ready_demo(model, seed_name) is not None:
        return
    try:
        _jobs()[spot] = ask_for_demo(model, seed_name)
    except JobError as error:
        visit.notice = str(error)


def notice(visit: Visit) -> None:
    """Say once what went wrong."""
    if visit.notice:
        st.error(escaped(say_sentence(visit.notice)))
        visit.notice = ""


def is_open(spot: str) -> bool:
    """Whether this visitor has asked to hear something at a place before."""
    return _opened().get(spot, False)


def _settle(visit: Visit, spot: str, job: Job[Demo]) -> None:
    del _jobs()[spot]
    if job.error:
        visit.notice = job.error


def _watch(spot: str, job: Job[Demo]) -> None:
    progress = job.progress
    if job.state == JobState.QUEUED:
        st.progress(0.0, text=say("stage.waiting", place=job.place))
    elif isinstance(progress, Progress):
        done = min(1.0, progress.bars_done / progress.bars_total)
        st.progress(done, text=say("stage.bars_done", done=progress.bars_done, total=progress.bars_total))
    else:
        st.progress(0.0, text=say("stage.reading"))
    st.button(say("models.stop"), key=f"stop_{spot}", on_click=job.stop)
    if job.state in FINAL_STATES:
        st.rerun()


def _roll(spot: str, demo: Demo, title: str) -> None:
    source = address(demo.model, demo.seed_name)
    piano_roll(
        RollView(
            score=demo.score,
            join=demo.join,
            identity=source,
            title=title,
            subtitle=say("models.demo", bars=SETTINGS.bars, number=SETTINGS.random_seed),
            source=source,
            group=GROUP,
            height=ROLL_PIXELS,
            reseeds=False,
        ),
        key=f"roll_{spot}",
    )


def _jobs() -> MutableMapping[str, Job[Demo]]:
    jobs: MutableMapping[str, Job[Demo]] = st.session_state.setdefault(_UNDER_WAY, {})
    return jobs


def _opened() -> MutableMapping[str, bool]:
    opened: MutableMapping[str, bool] = st.session_state.setdefault(_WANTED, {})
    return opened
