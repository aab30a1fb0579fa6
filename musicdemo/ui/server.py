"""The server around the page: addresses of pieces over plain HTTP, and the work before the first visitor."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from musicdemo.errors import AudioError, CheckpointError, MusicDemoError, StoreError
from musicdemo.generation import GenerationSettings, generate
from musicdemo.music.midi import write_midi
from musicdemo.ui import services
from musicdemo.ui.pieces import DEMO_ID, demo_piece, file_name, find_piece

_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """List the routes beside the page; the endpoints are plain functions, which Starlette runs in its thread pool."""
    return [
        Route("/p/{piece_id}.mid", _translated(_midi)),
        Route("/p/{piece_id}.wav", _translated(_wav)),
        Route("/p/{piece_id}", _to_page),
    ]


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Warm the server up, then serve."""
    await asyncio.to_thread(warm_up)
    # Streamlit runs a full collection after every rerun: what lives as long as the server need not be walked each time.
    gc.collect()
    gc.freeze()
    yield


def warm_up() -> None:
    """Load the default model, take its first steps and render the demo, so that the first visitor waits for nothing."""
    try:
        for name in list(services.checkpoints())[:1]:
            generate(services.checkpoint(name), GenerationSettings(bars=1))
        services.sounds().wav(demo_piece().score)
    except MusicDemoError as error:
        _log.warning("The page opens, but: %s", error)


def _translated(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer what went wrong as one sentence with its status."""

    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except StoreError as error:
            return PlainTextResponse(str(error), status_code=404)
        except (AudioError, CheckpointError) as error:
            return PlainTextResponse(str(error), status_code=503)

    return answer


def _to_page(request: Request) -> Response:
    return RedirectResponse("/?" + urlencode({"piece": request.path_params["piece_id"]}), status_code=307)


def _midi(request: Request) -> Response:
    piece = find_piece(request.path_params["piece_id"])
    headers = {"content-disposition": f'attachment; filename="{file_name(piece, ".mid")}"', **_caching(piece.id)}
    return Response(write_midi(piece.score), media_type="audio/midi", headers=headers)


def _wav(request: Request) -> Response:
    piece = find_piece(request.path_params["piece_id"])
    return FileResponse(
        services.sounds().wav(piece.score),
        media_type="audio/wav",
        filename=file_name(piece, ".wav"),
        content_disposition_type="inline",
        headers=_caching(piece.id),
    )


def _caching(piece_id: str) -> dict[str, str]:
    # A saved piece never changes; the demo does when a new model ships.
    return {"cache-control": "no-cache" if piece_id == DEMO_ID else "private, max-age=86400"}
