"""What a network thought of a piece, as JSON for the roll: bits and alternatives of each note, and what it read."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from musicdemo.errors import CheckpointError, JobError, StoreError
from musicdemo.insight import NoteThought, Reads, all_reads
from musicdemo.ui import insights
from musicdemo.ui.insights import Insight
from musicdemo.ui.pieces import find_piece
from musicdemo.ui.routes.answers import caching, refusal, wanted_language
from musicdemo.ui.words import say


def routes() -> list[Route]:
    """List the routes; the endpoints are plain functions, which Starlette runs in its thread pool."""
    return [Route("/p/{piece_id}/inside.json", _inside), Route("/p/{piece_id}/reads.json", _note_reads)]


def _inside(request: Request) -> Response:
    seen = _seen(request)
    return seen if isinstance(seen, Response) else _answer(seen, inside_json(seen, wanted_language(request)))


def _note_reads(request: Request) -> Response:
    seen = _seen(request)
    if isinstance(seen, Response):
        return seen
    number, count = request.query_params.get("note", ""), len(seen.found.notes)
    if not (number.isascii() and number.isdecimal() and len(number) < 8 and int(number) < count):
        return _refused("no_such_note", request, count=count)
    try:
        return _answer(seen, {"reads": reads_json(insights.reads(seen, int(number)))})
    except JobError:
        return _refused("busy", request, status=503)


def inside_json(seen: Insight, language: str) -> dict[str, Any]:
    """Lay out what a network thought of each note of a piece, in the order of the roll."""
    reads = all_reads(seen.checkpoint, seen.found)
    return {
        "model": seen.name,
        "kind": "attention" if seen.found.has_attention else "attribution",
        "notes": [None if note is None else _note_json(note, language) for note in seen.found.notes],
        "reads": None if reads is None else [reads_json(one) for one in reads],
        "on_no_note": None if reads is None else [round(one.on_no_note, 4) for one in reads],
    }


def reads_json(reads: Reads) -> list[list[float]]:
    """Lay out what was read as [[index, weight], ...]."""
    return [[index, round(share, 4)] for index, share in reads.notes]


def _note_json(note: NoteThought, language: str) -> list[Any]:
    likeliest = [[insights.translated(name, language=language), round(share, 4)] for name, share in note.likeliest]
    return [round(note.bits, 3), round(note.probability, 5), likeliest]


def _seen(request: Request) -> Insight | Response:
    """Return the piece as the model that is asked for read it, or a sentence that says why not."""
    try:
        piece = find_piece(request.path_params["piece_id"])
        model = request.query_params.get("model") or insights.default_model(piece)
        if not insights.is_here(model):
            return _refused("no_model", request)
        return insights.insight(piece, model)
    except StoreError as error:
        return refusal(request, str(error), 404)
    except CheckpointError as error:
        return refusal(request, str(error), 503)
    except JobError:
        return _refused("busy", request, status=503)


def _answer(seen: Insight, content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers=caching(seen.piece.id))


def _refused(key: str, request: Request, *, status: int = 404, **values: object) -> Response:
    return PlainTextResponse(say(f"inside.{key}", language=wanted_language(request), **values), status_code=status)
