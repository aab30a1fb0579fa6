"""The addresses of sound that models are heard by: the same few bars for each, made when they are first asked for."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from musicdemo.errors import CheckpointError, JobError
from musicdemo.ui import services
from musicdemo.ui.models_page.demos import Demo, ask_for_demo, check_model, ready_demo
from musicdemo.ui.routes.answers import refusal, translated

WAIT_SECONDS = 60.0


def routes() -> list[Route]:
    """List the routes; a name of the Hub holds a slash."""
    return [Route("/m/{model:path}.wav", translated(_wav))]


def _wav(request: Request) -> Response:
    model, seed_name = request.path_params["model"], request.query_params.get("seed", "")
    if seed_name not in services.seeds():
        names = ", ".join(services.seeds())
        return refusal(request, f"Say which seed to go on with: ?seed= and one of {names}.", 404)
    try:
        check_model(model)
    except CheckpointError as error:
        return refusal(request, str(error), 404)
    demo = ready_demo(model, seed_name) or _made(model, seed_name)
    if isinstance(demo, str):
        return refusal(request, demo, 503)
    return FileResponse(
        services.sounds().wav(demo.score), media_type="audio/wav", headers={"cache-control": "no-cache"}
    )


def _made(model: str, seed_name: str) -> Demo | str:
    """Wait in the queue with all others; return the demo, or a sentence that says why there is none."""
    try:
        job = ask_for_demo(model, seed_name)
    except JobError as error:
        return str(error)
    if not job.wait(WAIT_SECONDS):
        job.stop()
        return "Too many people are making music at the moment; try again in a minute."
    return job.result or job.error or "It was stopped; try again."
