"""What all routes share: a sentence with its status where something went wrong, and how long a file may be kept."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from musicdemo.errors import AudioError, CheckpointError, EngravingError, StoreError
from musicdemo.ui.pieces import DEMO_ID
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.words import LANGUAGES, nearest_language


def translated(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer what went wrong as one sentence with its status."""

    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except StoreError as error:
            return refusal(request, str(error), 404)
        except (AudioError, CheckpointError, EngravingError) as error:
            return refusal(request, str(error), 503)

    return answer


def refusal(request: Request, sentence: str, status: int) -> Response:
    """Answer with a sentence, of the library or of the page, in the visitor's language."""
    said = say_sentence(sentence, wanted_language(request))
    return PlainTextResponse(said, status_code=status, headers={"vary": "accept-language"})


def wanted_language(request: Request) -> str:
    """Return the language that the address asks for or, without it, the browser."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else nearest_language(request.headers.get("accept-language", ""))


def caching(piece_id: str) -> dict[str, str]:
    """Return the headers that say how long a file of this piece may be kept."""
    # A saved piece never changes; the demo does when a new model ships.
    return {"cache-control": "no-cache" if piece_id == DEMO_ID else "private, max-age=86400"}
