"""The sound of a piece that is still being made: its first bars, to be heard while the others are written."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from musicdemo.errors import StoreError
from musicdemo.generation import Progress
from musicdemo.music.score import Score
from musicdemo.ui import services
from musicdemo.ui.compose import Task, tasks
from musicdemo.ui.routes.answers import translated

FIRST_BARS = 4
"""New bars that must be there before a beginning can be heard."""


def routes() -> list[Route]:
    """List the routes."""
    return [Route("/job/{job_id}-{bars:int}.wav", translated(_wav))]


def live_source(task: Task) -> str:
    """Return the address of what can be heard of a piece by now; "" while it is too little.

    It changes when there is twice as much, not with every bar: each address is rendered once.
    """
    progress = task.job.progress
    if not isinstance(progress, Progress) or progress.bars_done < FIRST_BARS:
        return ""
    return f"/job/{task.job.id}-{FIRST_BARS << (progress.bars_done // FIRST_BARS).bit_length() - 1}.wav"


def _wav(request: Request) -> Response:
    task = tasks().get(request.path_params["job_id"])
    progress = task.job.progress if task else None
    bars = request.path_params["bars"]
    if not isinstance(progress, Progress) or not FIRST_BARS <= bars <= progress.bars_done:
        raise StoreError("There is no such beginning of a piece: look whether the whole piece is there by now.")
    sound = services.sounds().wav(_beginning(progress, bars))
    return FileResponse(sound, media_type="audio/wav", headers={"cache-control": "no-store"})


def _beginning(progress: Progress, bars: int) -> Score:
    """Return the seed and so many new bars."""
    meter = progress.score.meter_at(progress.join)
    return progress.score.clipped(0, progress.join + bars * meter.bar_steps)
