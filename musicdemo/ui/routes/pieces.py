"""The addresses of pieces: the files that each can be fetched as, and the way to it."""

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from musicdemo.errors import AudioError, CheckpointError, StoreError
from musicdemo.music.midi import write_midi
from musicdemo.ui import services
from musicdemo.ui.pieces import DEMO_ID, file_name, find_piece


def routes() -> list[Route]:
    """List the routes; the endpoints are plain functions, which Starlette runs in its thread pool."""
    return [
        Route("/p/{piece_id}.mid", translated(_midi)),
        Route("/p/{piece_id}.wav", translated(_wav)),
        Route("/p/{piece_id}", _to_page),
    ]


def translated(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
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
    headers = {"content-disposition": f'attachment; filename="{file_name(piece, ".mid")}"', **caching(piece.id)}
    return Response(write_midi(piece.score), media_type="audio/midi", headers=headers)


def _wav(request: Request) -> Response:
    piece = find_piece(request.path_params["piece_id"])
    return FileResponse(
        services.sounds().wav(piece.score),
        media_type="audio/wav",
        filename=file_name(piece, ".wav"),
        content_disposition_type="inline",
        headers=caching(piece.id),
    )


def caching(piece_id: str) -> dict[str, str]:
    """Return the headers that say how long a file of this piece may be kept."""
    # A saved piece never changes; the demo does when a new model ships.
    return {"cache-control": "no-cache" if piece_id == DEMO_ID else "private, max-age=86400"}
