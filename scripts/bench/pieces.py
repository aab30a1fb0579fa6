"""What a piece costs: rules, draws and notes and all, alone, as beams, and through the queue that visitors share."""

import time

from musicdemo.checkpoint import Checkpoint
from musicdemo.generation import Continuation, GenerationSettings, Progress, generate
from musicdemo.jobs import JobControl, JobQueue
from musicdemo.likelihood import AUTO
from musicdemo.music.score import Score
from musicdemo.render.audio import render_audio
from musicdemo.seeds import find_seed
from scripts.bench.timing import least_seconds

FOUR_PART_SEED = "old-hundredth"
BARS = 16
STYLE = "hymn"


def seed() -> Score:
    """Return the four-part seed."""
    return find_seed(FOUR_PART_SEED).score


def piece(checkpoint: Checkpoint, *, style: str = AUTO) -> Continuation:
    """Write BARS bars behind the seed."""
    return generate(checkpoint, GenerationSettings(bars=BARS, style=style), seed=seed())[0]


def seconds_of(checkpoint: Checkpoint, *, style: str = AUTO, times: int = 5) -> tuple[float, int]:
    """Seconds of a whole piece, and how many new notes it has."""
    notes = piece(checkpoint, style=style).new_notes
    return least_seconds(lambda: piece(checkpoint, style=style), times=times), notes


def sound(checkpoint: Checkpoint) -> tuple[float, float]:
    """Seconds of the sound of a piece, and how long it lasts."""
    score = piece(checkpoint).score
    return least_seconds(lambda: render_audio(score), times=3), score.seconds_at(score.end)


def through_the_queue(checkpoint: Checkpoint, *, visitors: int, workers: int) -> tuple[float, float]:
    """Seconds until the last of several visitors sees a first note, and until all pieces are finished.

    They press the button at the same moment; each wants BARS bars of a random seed of its own.
    """
    queue, began = JobQueue(workers=workers), time.perf_counter()
    first = [0.0] * visitors

    def work(control: JobControl, visitor: int) -> None:
        def note_time(progress: Progress) -> bool:
            first[visitor] = first[visitor] or time.perf_counter() - began
            control.report(progress)
            return True

        settings = GenerationSettings(bars=BARS, random_seed=visitor)
        generate(checkpoint, settings, seed=seed(), on_progress=note_time)

    jobs = [queue.submit(lambda control, visitor=visitor: work(control, visitor)) for visitor in range(visitors)]  # type: ignore[misc]
    for job in jobs:
        job.wait()
    return max(first), time.perf_counter() - began
