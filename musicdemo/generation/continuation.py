"""Continue a Score with a network: one result for each variation, drawn again where it got stuck."""

from dataclasses import replace

from musicdemo.checkpoint import Checkpoint
from musicdemo.generation.settings import MAX_VARIATIONS, GenerationSettings
from musicdemo.generation.task import Continuation, OnProgress, Task, stepper_of
from musicdemo.models.base import single_thread
from musicdemo.music.score import Score


def generate(
    checkpoint: Checkpoint,
    settings: GenerationSettings,
    *,
    seed: Score | None = None,
    on_progress: OnProgress | None = None,
    stepper: str = "onnx",
) -> list[Continuation]:
    """Continue `seed` by `settings.bars` bars, or begin from nothing; one result for each variation.

    The seed's notes stand as they are; new notes come behind its last bar, for its tracks, in its metre and its
    prevailing tempo. The same arguments give the same result; variation i does not depend on how many there are.
    `stepper` is one of STEPPERS; the two round differently, so a piece may differ between them. Any number of threads
    may generate at once: those who use the same checkpoint share its network.
    Raises ValueError for an unknown style or stepper, and for wishes that contradict each other or this seed.
    """
    with single_thread():
        task = Task(checkpoint, settings, seed, stepper_of(checkpoint, stepper))
        if settings.beam_width is not None:
            return [task.searched(each) for each in task.search(on_progress).hypotheses[: settings.variations]]
        drawn = [task.continuation(each) for each in task.draw(on_progress, rows=tuple(range(settings.variations)))]
        return [_redrawn(task, on_progress, first, row) for row, first in enumerate(drawn)]


def _redrawn(task: Task, on_progress: OnProgress | None, first: Continuation, row: int) -> Continuation:
    """Return `first`, variation `row`, or if it is degenerate the first of some further draws that is not."""
    reason = task.flaw(first)
    chance = task.settings.temperature > 0
    retries = 0
    while reason and chance and retries < task.settings.retries:
        retries += 1
        # a noise stream that no variation has, and the same one however many variations there are
        (hypothesis,) = task.draw(on_progress, rows=(row + retries * MAX_VARIATIONS,))
        again = task.continuation(hypothesis)
        if not again.finished:
            break  # somebody stopped it, and keeps what is whole
        if not task.flaw(again):
            return replace(again, retries=retries, reason=reason)
    return replace(first, retries=retries, reason=reason, is_degenerate=bool(reason))
