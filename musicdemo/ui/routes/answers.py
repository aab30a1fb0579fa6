"""What all routes share: a sentence with its status where something went wrong, and how long a file may be kept."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from musicdemo.errors import AudioError, CheckpointError, StoreError
from musicdemo.ui.pieces import DEMO_ID


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


def caching(piece_id: str) -> dict[str, str]:
    """Return the headers that say how long a file of this piece may be kept."""
    # A saved piece never changes; the demo does when a new model ships.
    return {"cache-control": "no-cache" if piece_id == DEMO_ID else "private, max-age=86400"}
