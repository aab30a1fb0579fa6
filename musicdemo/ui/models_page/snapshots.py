"""The snapshots of one training that come along: small networks, each the same one at a later step."""

import streamlit as st

from musicdemo.checkpoint import CHECKPOINTS, Checkpoint, CheckpointInfo, list_checkpoints, load_checkpoint
from musicdemo.ui.models_page.figures import number

FOLDER = "snapshots"
MOST_LOADED = 8


@st.cache_resource(show_spinner=False)
def snapshots() -> dict[str, CheckpointInfo]:
    """List the snapshots by name, such as snapshots/300, in the order of their steps."""
    infos = sorted(list_checkpoints(CHECKPOINTS / FOLDER), key=steps_of)
    return {f"{FOLDER}/{info.name}": info for info in infos}


def steps_of(info: CheckpointInfo) -> int:
    """Return after how many steps of training a snapshot was taken."""
    return int(number(info.metrics, "training", "steps") or 0)


@st.cache_resource(show_spinner=False, max_entries=MOST_LOADED)
def snapshot(name: str) -> Checkpoint:
    """Load a snapshot; the models that music is made with keep their own places in memory. Raises CheckpointError."""
    return load_checkpoint(snapshots()[name].folder)
