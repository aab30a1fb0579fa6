"""Models from the Hub: a visitor names one, a job fetches it, and it joins the menu of this visit."""

from contextlib import suppress

import streamlit as st

from musicdemo.checkpoint import FROM_HUB, CheckpointInfo, read_info
from musicdemo.errors import CheckpointError, JobError
from musicdemo.hub.fetch import fetch
from musicdemo.hub.kept import kept_folder, name_of
from musicdemo.hub.name import HubName, read_name
from musicdemo.jobs import JobControl
from musicdemo.ui import services
from musicdemo.ui.visit import FINAL_STATES, Visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.5


def hub_controls(visit: Visit) -> None:
    """Draw the field for a name, and how far the fetching is."""
    with st.expander(say("hub.title")):
        st.text_input(say("hub.name"), key="hub_name", placeholder="OWNER/NAME", help=say("hub.name_help"))
        if visit.fetch is None:
            st.button(say("hub.fetch"), key="fetch", width="stretch", on_click=_start, args=(visit,))
        else:
            st.fragment(_watch, run_every=WATCH_SECONDS)(visit)


def settle_fetch(visit: Visit) -> None:
    """Take what a finished job has brought: a model to be chosen, or the reason why there is none."""
    job = visit.fetch
    if job is None or job.state not in FINAL_STATES:
        return
    visit.fetch = None
    if job.result is not None:
        visit.fetched[job.result.name] = job.result
        st.session_state["model"] = job.result.name
    elif job.error:
        visit.notice = job.error


def offer_kept(visit: Visit, model: str) -> None:
    """Offer the model of a piece's recipe if it came from the Hub and is still on this machine."""
    name = read_name(model)
    folder = kept_folder(name) if name else None
    if folder:
        with suppress(CheckpointError):  # the piece is there all the same, and another model can be chosen
            visit.fetched[model] = read_info(folder)


def fetch_model(control: JobControl, name: HubName) -> CheckpointInfo:
    """Fetch a model and load it, so that a menu offers only what can be used. Raises CheckpointError."""

    def on_bytes(done: int, total: int) -> bool:
        control.report((done, total))
        return not control.stopped

    folder = fetch(name, FROM_HUB, on_bytes=on_bytes)
    return read_info(services.checkpoint(name_of(folder)).folder)


def _start(visit: Visit) -> None:
    name = read_name(st.session_state["hub_name"].strip())
    if name is None:
        visit.notice = say("hub.no_name")
        return
    try:
        visit.fetch = services.fetch_queue().submit(lambda control: fetch_model(control, name))
    except JobError as error:
        visit.notice = str(error)


def _watch(visit: Visit) -> None:
    job = visit.fetch
    if job is None or job.state in FINAL_STATES:
        st.rerun()
    done, total = job.progress if isinstance(job.progress, tuple) else (0, 0)
    share = done / total if total else 0.0
    st.progress(
        share,
        text=say("hub.megabytes", done=f"{done / 1e6:.1f}", total=f"{total / 1e6:.1f}") if total else say("hub.asking"),
    )
    st.button(say("hub.stop"), key="stop_fetch", width="stretch", on_click=job.stop)
