"""Models from the Hub: a visitor names one, a job fetches it, and it joins those of this visit."""

from contextlib import suppress

import streamlit as st

from musicdemo.checkpoint import FROM_HUB, CheckpointInfo, read_info
from musicdemo.errors import CheckpointError, JobError
from musicdemo.hub.fetch import fetch
from musicdemo.hub.kept import cache_folder, kept_folder, name_of
from musicdemo.hub.name import HubName, read_name, short_name
from musicdemo.jobs import JobControl
from musicdemo.ui import services
from musicdemo.ui.visit import FINAL_STATES, Visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.5
MODELS_VIEW = "views/models.py"


def hub_link() -> None:
    """Draw the way from the studio to the page where models of the Hub are fetched."""
    st.page_link(MODELS_VIEW, label=say("hub.link"))


def hub_controls(visit: Visit) -> None:
    """Draw the field for a name, how far the fetching is, and what was fetched to this machine before."""
    st.text_input(say("hub.name"), key="hub_name", placeholder="OWNER/NAME", help=say("hub.name_help"))
    if visit.fetch is None:
        st.button(say("hub.fetch"), key="fetch", on_click=_start, args=(visit,))
    else:
        st.fragment(_watch, run_every=WATCH_SECONDS)(visit)
    kept = {name: info for name, info in kept_models().items() if name not in visit.fetched}
    if kept:
        with st.expander(say("hub.kept", count=len(kept)), key="kept"):
            for name, info in kept.items():
                _kept(visit, name, info)


def kept_models() -> dict[str, CheckpointInfo]:
    """Return the models of the Hub that are on this machine, by name; a damaged one is left out."""
    infos = {}
    for folder in sorted(cache_folder().glob("*@*")):
        name = read_name(name_of(folder))
        if name is not None and name.is_pinned:
            with suppress(CheckpointError):
                infos[str(name)] = read_info(folder)
    return infos


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


def _kept(visit: Visit, name: str, info: CheckpointInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{short_name(name)} — {info.title}", width="stretch")
        label = say("hub.show", name=short_name(name))
        st.button(label, key=f"kept_{name}", on_click=offer_kept, args=(visit, name))


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
    st.button(say("hub.stop"), key="stop_fetch", on_click=job.stop)
