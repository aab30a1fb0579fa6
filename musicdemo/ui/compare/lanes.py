"""The lanes of a comparison: what is made or being made in each, and how that goes with the address bar.

The address names each lane by its job and, once that is done, by its piece: so a reload finds the jobs, and a friend
the pieces.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from musicdemo.errors import JobError, StoreError
from musicdemo.store import Piece
from musicdemo.ui.compose import Task, Wish, submit, tasks
from musicdemo.ui.pieces import find_piece
from musicdemo.ui.visit import FINAL_STATES
from musicdemo.ui.words import say

LEAST_LANES, MOST_LANES = 2, 4
LETTERS = "ABCD"
_STATE_KEY = "comparison"
_BETWEEN = "."  # no id has one, and an address keeps it as it is
_LANES, _BLIND = "lanes", "blind"


@dataclass
class Lane:
    """One way to go on; `name` is the id that it was opened by, of a job or of a piece."""

    name: str
    task: Task | None = None
    piece: Piece | None = None

    @property
    def token(self) -> str:
        """What the address calls it now."""
        return self.piece.id if self.piece else self.name

    @property
    def model(self) -> str:
        """Name of the model that writes or wrote here."""
        return str(self.piece.recipe["model"]) if self.piece else self._wish.model

    @property
    def temperature(self) -> float:
        """Temperature that it writes or wrote at."""
        return float(self.piece.recipe["settings"]["temperature"]) if self.piece else self._wish.settings.temperature

    @property
    def _wish(self) -> Wish:
        assert self.task is not None, "a lane holds a piece or a task"
        return self.task.wish


@dataclass
class Comparison:
    """Lanes beside each other; while it `is_blind`, nobody is told which is which."""

    lanes: list[Lane] = field(default_factory=list)
    is_blind: bool = False
    address: str = ""
    """The lanes as they were last written into the address bar."""

    @property
    def is_busy(self) -> bool:
        """Whether anything is still being made."""
        return any(lane.piece is None for lane in self.lanes)

    def stop(self) -> None:
        """Ask everything that is being made to end."""
        for lane in self.lanes:
            if lane.task and lane.piece is None:
                lane.task.job.stop()


def current_comparison() -> tuple[Comparison, list[str]]:
    """Return the comparison that the address names or that this visit looked at last, and what could not be found."""
    state: Any = st.session_state
    asked = st.query_params.get(_LANES, "")
    problems: list[str] = []
    if _STATE_KEY not in state or (asked and asked != state[_STATE_KEY].address):
        state[_STATE_KEY], problems = _opened(asked, is_blind=st.query_params.get(_BLIND) == "1")
    comparison = state[_STATE_KEY]
    assert isinstance(comparison, Comparison)
    return comparison, [*problems, *_settle(comparison)]


def start(comparison: Comparison, wishes: Sequence[Wish], *, is_blind: bool) -> None:
    """Put every wish into the queue, in an order that nobody knows if it is blind.

    Raises JobError when the queue is full; then none is made.
    """
    wishes = list(wishes)
    if is_blind:
        secrets.SystemRandom().shuffle(wishes)
    lanes: list[Lane] = []
    for wish in wishes:
        try:
            task = submit(wish)
        except JobError:
            Comparison(lanes).stop()
            raise
        lanes.append(Lane(task.job.id, task))
    comparison.stop()
    comparison.lanes, comparison.is_blind = lanes, is_blind


def write_address(comparison: Comparison) -> None:
    """Put the comparison into the address bar."""
    comparison.address = _BETWEEN.join(lane.token for lane in comparison.lanes)
    _set_parameter(_LANES, comparison.address)
    _set_parameter(_BLIND, "1" if comparison.is_blind and comparison.lanes else "")


def _opened(address: str, *, is_blind: bool) -> tuple[Comparison, list[str]]:
    lanes, problems = [], []
    for name in dict.fromkeys(filter(None, address.split(_BETWEEN)[:MOST_LANES])):
        try:
            lanes.append(_lane(name))
        except StoreError as error:
            problems.append(str(error))
    return Comparison(lanes, is_blind), list(dict.fromkeys(problems))


def _lane(name: str) -> Lane:
    task = tasks().get(name)
    if task is not None:
        return Lane(name, task)
    piece = find_piece(name)
    if not piece.recipe:
        raise StoreError("Only pieces that a network wrote can be compared.")
    return Lane(name, piece=piece)


def _settle(comparison: Comparison) -> list[str]:
    """Take what finished jobs have brought; return why others brought nothing."""
    problems = []
    for lane in comparison.lanes[:]:
        if lane.piece is None and lane.task is not None and lane.task.job.state in FINAL_STATES:
            lane.piece = lane.task.job.result
            if lane.piece is None:
                comparison.lanes.remove(lane)
                problems.append(lane.task.job.error or say("compare.stopped"))
    return list(dict.fromkeys(problems))


def _set_parameter(name: str, value: str) -> None:
    if not value:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
