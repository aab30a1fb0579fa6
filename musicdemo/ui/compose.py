"""One wish of a visitor, from seed to saved piece: what the worker of the queue runs."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from musicdemo.errors import GenerationError
from musicdemo.generation import Continuation, GenerationSettings, Progress, explore, generate
from musicdemo.jobs import Job, JobControl
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.beams.explorations import explorations
from musicdemo.ui.pieces import score_end
from musicdemo.ui.words import DEFAULT_LANGUAGE, say

FROM_NOTHING = "nothing"
OWN_FILE = "file"
TASKS_REMEMBERED = 64


@dataclass(frozen=True)
class Wish:
    """What a visitor asked for; `seed_name` is a shipped seed's name, OWN_FILE or FROM_NOTHING."""

    model: str
    settings: GenerationSettings
    seed: Score | None
    seed_name: str
    seed_title: str
    language: str = DEFAULT_LANGUAGE

    @property
    def title(self) -> str:
        """Title of the piece to be made."""
        if self.seed:
            return say("stage.continued", language=self.language, title=self.seed_title)
        return say("stage.from_nothing", language=self.language, number=self.settings.random_seed)


@dataclass(frozen=True)
class Task:
    """A wish on its way; the job's result is the saved piece."""

    wish: Wish
    job: Job[Piece]

    @property
    def so_far(self) -> tuple[Score, int]:
        """What is written by now, the seed before it, and the step where the new notes begin."""
        progress, seed = self.job.progress, self.wish.seed
        if isinstance(progress, Progress):
            return progress.score, progress.join
        return (seed, score_end(seed)) if seed else (Score(), 0)

    @property
    def room(self) -> int:
        """The step up to which notes may come."""
        score, join = self.so_far
        return join + self.wish.settings.bars * score.meter_at(join).bar_steps


@st.cache_resource(show_spinner=False)
def tasks() -> services.Shelf[Task]:
    """Remember the last tasks by the job's id, so that a reloaded page finds its own."""
    return services.Shelf(TASKS_REMEMBERED)


def submit(wish: Wish) -> Task:
    """Put the wish into the queue. Raises JobError when the queue is full."""
    task = Task(wish, services.job_queue().submit(lambda control: compose(control, wish)))
    tasks().put(task.job.id, task)
    return task


def compose(control: JobControl, wish: Wish) -> Piece:
    """Make the piece and save it; a stopped one is saved with what it has.

    Raises:
        MusicDemoError: the model, the wish or the store refuses, or it was stopped before the first note.
    """

    def on_progress(progress: Progress) -> bool:
        control.report(progress)
        return not control.stopped

    began = time.monotonic()
    checkpoint = services.checkpoint(wish.model)
    found = None
    if wish.settings.beam_width is None:
        best = generate(checkpoint, wish.settings, seed=wish.seed, on_progress=on_progress)[0]
    else:
        found = explore(checkpoint, wish.settings, seed=wish.seed, on_progress=on_progress)
        best = found.continuations[0]
    if not best.new_notes:
        raise GenerationError("Nothing was written: try again with another random seed.")
    seconds = round(time.monotonic() - began, 2)
    piece = services.piece_store().save(
        title=wish.title,
        score=best.score,
        join=best.join,
        events=best.events,
        recipe={**recipe(wish, best), "seconds": seconds, "weights_sha256": checkpoint.digest},
    )
    if found is not None:
        explorations().put(piece.id, found)
    return piece


def recipe(wish: Wish, made: Continuation) -> dict[str, Any]:
    """Say how a piece was made, in JSON: enough to make it again and to describe it."""
    return {
        "model": wish.model,
        "settings": asdict(wish.settings),
        "seed": wish.seed_name,
        "seed_title": wish.seed_title,
        "style": made.style,
        "log_prob": made.log_prob,
        "seed_notes": made.seed_notes,
        "new_notes": made.new_notes,
        "new_bars": made.new_bars,
        "finished": made.finished,
        "constraint_bits": made.constraint_bits,
        "retries": made.retries,
        "reason": made.reason,
        "is_degenerate": made.is_degenerate,
    }
