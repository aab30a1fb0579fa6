"""What the server owns once for all visitors: queue, saved pieces, models, seeds and the sound shelf.

Each is built when first asked for; nothing here knows widgets.
"""

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import streamlit as st

from musicdemo.checkpoint import Checkpoint, CheckpointInfo, list_checkpoints, load_checkpoint
from musicdemo.jobs import JobQueue
from musicdemo.seeds import Seed, shipped_seeds
from musicdemo.store import Piece, PieceStore
from musicdemo.ui.sounds import SoundShelf

DATABASE_FILE = Path("data/pieces.sqlite3")
MODELS_IN_MEMORY = 4
WORKERS = 4
"""Visitors served at once: each hears first notes soon, and whole pieces hardly later (docs/benchmarks.md)."""

JOBS_WAITING = 16
FETCHES_WAITING = 4
PREVIEWS_REMEMBERED = 64

Value = TypeVar("Value")


class Shelf(Generic[Value]):
    """The last `size` values by name, for all threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, value: Value) -> None:
        """Keep a value; the oldest makes room."""
        with self._lock:
            self._values[name] = value
            self._values.move_to_end(name)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def get(self, name: str) -> Value | None:
        """Return the value of this name; None where it was never kept or made room."""
        with self._lock:
            return self._values.get(name)


@st.cache_resource(show_spinner=False)
def piece_store() -> PieceStore:
    """Open the database that DATABASE_URL names, or data/pieces.sqlite3."""
    return PieceStore(os.environ.get("DATABASE_URL") or f"sqlite:///{DATABASE_FILE}")


@st.cache_resource(show_spinner=False)
def job_queue() -> JobQueue:
    """Start the queue that all visitors share; those who are served at once share the network's batches."""
    return JobQueue(workers=WORKERS, capacity=JOBS_WAITING)


@st.cache_resource(show_spinner=False)
def fetch_queue() -> JobQueue:
    """Start the queue that waits for the Hub, so that music never does."""
    return JobQueue(workers=1, capacity=FETCHES_WAITING)


@st.cache_resource(show_spinner=False)
def previews() -> Shelf[Piece]:
    """Remember the last uploads that a page shows before anything was made from them."""
    return Shelf(PREVIEWS_REMEMBERED)


@st.cache_resource(show_spinner=False)
def checkpoints() -> dict[str, CheckpointInfo]:
    """List the shipped models by name."""
    return {info.name: info for info in list_checkpoints()}


@st.cache_resource(show_spinner=False, max_entries=MODELS_IN_MEMORY)
def checkpoint(name: str) -> Checkpoint:
    """Load a model once, by its name in a menu; CheckpointError where it is missing or torn."""
    return load_checkpoint(name)


@st.cache_resource(show_spinner=False)
def seeds() -> dict[str, Seed]:
    """List the shipped seeds by name."""
    return {seed.name: seed for seed in shipped_seeds()}


@st.cache_resource(show_spinner=False)
def sounds() -> SoundShelf:
    """Open the shelf of rendered sound."""
    return SoundShelf()
