"""One visitor's visit: what is on the stage, what is being made, and how that goes with the address bar."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from musicdemo.checkpoint import CheckpointInfo
from musicdemo.errors import StoreError
from musicdemo.jobs import Job, JobState
from musicdemo.music.midi import MidiReport
from musicdemo.music.score import Score
from musicdemo.music.seed_choice import best_bars
from musicdemo.music.seed_edit import SeedEdit
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compose import OWN_FILE, Task, tasks
from musicdemo.ui.pieces import DEMO_ID, demo_piece, find_piece, is_kept, show_upload
from musicdemo.ui.words import say

FINAL_STATES = (JobState.DONE, JobState.STOPPED, JobState.FAILED)
MOST_UNDONE = 20
MOST_REMEMBERED = 50
_STATE_KEY = "visit"


@dataclass(frozen=True)
class OwnFile:
    """A visitor's own music: an uploaded file, or the beginning of the piece that a link opened (then no report)."""

    title: str
    score: Score
    report: MidiReport | None = None
    edit: SeedEdit = SeedEdit()

    @property
    def seed(self) -> Score:
        """What of the music is to be continued, as its visitor chose."""
        return self.edit.apply(self.score)


@dataclass
class Entry:
    """A piece that was made in this visit, with its maker's star and words."""

    piece: Piece
    starred: bool = False
    words: str = ""


@dataclass
class Visit:
    """What this visitor's page remembers between two runs of the script."""

    shown: Piece
    address: str | None = None
    task: Task | None = None
    own: OwnFile | None = None
    notice: str = ""
    opened: Piece | None = None
    """The piece that a link just opened and whose recipe the controls have not yet taken over."""
    fetch: Job[CheckpointInfo] | None = None
    fetched: dict[str, CheckpointInfo] = field(default_factory=dict)
    """Models of the Hub that this visit has asked for, by name."""
    history: list[Entry] = field(default_factory=list)
    """The pieces made in this visit, the newest last."""
    note: int | None = None
    """The note that was chosen on the roll, as its place there."""
    family: str = ""
    """The job that made the piece on the stage: its roll and its sound are those of the job, grown up."""
    trail: list[Piece] = field(default_factory=list)
    """What stood on the stage before, for undo."""

    @property
    def models(self) -> dict[str, CheckpointInfo]:
        """What this visitor may choose from: the shipped models, and those that this visit has fetched."""
        return services.checkpoints() | self.fetched

    @property
    def busy(self) -> bool:
        """Whether a job of this visitor waits or runs."""
        return self.task is not None and self.task.job.state not in FINAL_STATES

    def bring(
        self, title: str, score: Score, report: MidiReport | None = None, *, edit: SeedEdit | None = None
    ) -> None:
        """Take music of the visitor's own as the seed, its best bars or what `edit` says, and put it on the stage."""
        if edit is None:
            edit = SeedEdit(bars=best_bars(score) if score.note_count else None)
        self.own = OwnFile(title, score, report, edit)
        st.session_state["seed_name"] = OWN_FILE
        self.show(show_upload(title, self.own.seed))

    def show(self, piece: Piece) -> None:
        """Put a piece on the stage and its address into the address bar."""
        if piece.id != self.shown.id:
            if is_kept(piece) or is_kept(self.shown):  # from one look at a seed to the next there is nothing to undo
                self.trail = [*self.trail[1 - MOST_UNDONE :], self.shown]
            self.family, self.note = "", None
        self.shown = piece
        self.address = piece.id if is_kept(piece) and piece.id != DEMO_ID else None
        _set_parameter("piece", self.address)

    def undo(self) -> None:
        """Put back what stood on the stage before, and the controls to its recipe."""
        if not self.trail:
            return
        piece = self.trail.pop()
        before = self.trail
        self.show(piece)
        self.trail = before
        self.opened = piece if piece.recipe else None

    @property
    def can_undo(self) -> bool:
        """Whether anything stood on the stage before."""
        return bool(self.trail)


def current_visit() -> Visit:
    """Return this visitor's visit; the first time, with the demo on the stage."""
    if _STATE_KEY not in st.session_state:
        visit = Visit(shown=demo_piece(), opened=demo_piece())
        visit.task = tasks().get(st.query_params.get("job", ""))
        st.session_state[_STATE_KEY] = visit
    visit = st.session_state[_STATE_KEY]
    assert isinstance(visit, Visit)
    return visit


def follow_address(visit: Visit) -> None:
    """Open the piece that the address bar names, if it is another than the one last opened or made."""
    address = st.query_params.get("piece")
    if address == visit.address:
        return
    try:
        piece = find_piece(address) if address else demo_piece()
        visit.opened = piece
    except StoreError as error:
        visit.notice = str(error)
        piece = demo_piece()
    visit.show(piece)


def settle_task(visit: Visit) -> None:
    """Take what a finished job has brought."""
    task = visit.task
    _set_parameter("job", task.job.id if task and visit.busy else None)
    if task is None or visit.busy:
        return
    visit.task = None
    if task.job.result is not None:
        visit.show(task.job.result)
        visit.family = task.job.id
        visit.history = [*visit.history[1 - MOST_REMEMBERED :], Entry(task.job.result)]
    else:
        visit.notice = task.job.error or say("stage.stopped_early")


def _set_parameter(name: str, value: str | None) -> None:
    parameters: Any = st.query_params
    if value is None:
        parameters.pop(name, None)
    elif parameters.get(name) != value:
        parameters[name] = value
