"""What the models are heard by: the same seed, settings and random seed for each, so that only the network differs.

A demo is made once and kept for all visitors; it is not saved, for it can be made again to the last note.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

import streamlit as st

from musicdemo.errors import CheckpointError, GenerationError
from musicdemo.generation import GenerationSettings, Progress, generate
from musicdemo.hub.kept import kept_folder
from musicdemo.hub.name import read_name
from musicdemo.jobs import Job, JobControl
from musicdemo.music.score import Score
from musicdemo.ui import services
from musicdemo.ui.models_page.snapshots import snapshot, snapshots

SETTINGS = GenerationSettings(bars=8, random_seed=1)
DEMOS_REMEMBERED = 128


@dataclass(frozen=True)
class Demo:
    """A shipped seed as a model goes on with it; its new bars begin at step `join`."""

    model: str
    seed_name: str
    score: Score
    join: int


@st.cache_resource(show_spinner=False)
def demos() -> services.Shelf[Demo]:
    """Remember the last demos, by their addresses."""
    return services.Shelf(DEMOS_REMEMBERED)


def address(model: str, seed_name: str) -> str:
    """Return the address of a demo's sound."""
    return f"/m/{quote(model)}.wav?{urlencode({'seed': seed_name})}"


def ready_demo(model: str, seed_name: str) -> Demo | None:
    """Return the demo if it was made before."""
    return demos().get(address(model, seed_name))


def ask_for_demo(model: str, seed_name: str) -> Job[Demo]:
    """Have a demo made in the queue that all visitors share. Raises JobError when the queue is full."""
    return services.job_queue().submit(lambda control: make_demo(control, model, seed_name))


def make_demo(control: JobControl, model: str, seed_name: str) -> Demo:
    """Make a demo and keep it, unless it is stopped on the way.

    Raises CheckpointError for a model that is not on this machine or is torn.
    """

    def on_progress(progress: Progress) -> bool:
        control.report(progress)
        return not control.stopped

    check_model(model)
    checkpoint = snapshot(model) if model in snapshots() else services.checkpoint(model)
    made = generate(checkpoint, SETTINGS, seed=services.seeds()[seed_name].score, on_progress=on_progress)[0]
    if not made.new_notes:
        raise GenerationError("Nothing was written: choose another seed.")
    demo = Demo(model, seed_name, made.score, made.join)
    if not control.stopped:
        demos().put(address(model, seed_name), demo)
    return demo


def check_model(model: str) -> None:
    """Raise CheckpointError unless the model ships or is a model of the Hub that is on this machine already.

    Whoever asks by an address must neither make this server fetch something nor open a folder of it.
    """
    on_hub = read_name(model)
    kept = on_hub is not None and kept_folder(on_hub) is not None
    if not (kept or model in services.checkpoints() or model in snapshots()):
        raise CheckpointError(f"There is no model {model[:100]!r} here; the page Models lists those there are.")
