"""The sound of pieces over plain HTTP: the whole piece, or with ?tracks=0,2 some of its instruments alone."""

import re

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from musicdemo.ui import services
from musicdemo.ui.pieces import file_name, find_piece
from musicdemo.ui.routes.answers import caching, refusal, translated

_TRACKS = re.compile("[0-9]{1,3}(,[0-9]{1,3})*")
_MALFORMED = "The parameter tracks lists numbers of tracks from 0 on, such as tracks=0,2."


def routes() -> list[Route]:
    """List the routes; the endpoint is a plain function, which Starlette runs in its thread pool."""
    return [Route("/p/{piece_id}.wav", translated(_wav))]


def _wav(request: Request) -> Response:
    piece = find_piece(request.path_params["piece_id"])
    asked, count = request.query_params.get("tracks"), len(piece.score.tracks)
    if asked is not None and not _TRACKS.fullmatch(asked):
        return refusal(request, _MALFORMED, 400)
    tracks = tuple(range(count)) if asked is None else tuple(sorted({int(number) for number in asked.split(",")}))
    if any(number >= count for number in tracks):
        return refusal(request, f"This piece has {count} tracks, numbered from 0.", 404)
    return FileResponse(
        services.sounds().wav(piece.score, tracks=None if len(tracks) == count else tracks),
        media_type="audio/wav",
        filename=file_name(piece, ".wav"),
        content_disposition_type="inline",
        headers=caching(piece.id),
    )
