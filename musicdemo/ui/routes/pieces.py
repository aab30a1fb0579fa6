"""The addresses of pieces: the files that each can be fetched as, its picture and its page; sound.py has the WAV."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from musicdemo.render.picture import draw_picture
from musicdemo.ui.piece_page.files import KINDS, PAPERS, can_be_engraved, sheet_music
from musicdemo.ui.pieces import file_name, find_piece
from musicdemo.ui.recipes import describe
from musicdemo.ui.routes import page
from musicdemo.ui.routes.answers import caching, refusal, translated, wanted_language
from musicdemo.ui.words import DEFAULT_LANGUAGE, say

_DOWNLOADED = (".mid", ".ogg", ".musicxml", ".abc", ".json")
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; sandbox"
"""An engraved page is a picture: whoever opens it by itself runs nothing and fetches nothing."""


def routes() -> list[Route]:
    """List the routes; the endpoints are plain functions, which Starlette runs in its thread pool."""
    return [
        *(Route("/p/{piece_id}" + suffix, translated(partial(_file, suffix=suffix))) for suffix in _DOWNLOADED),
        Route("/p/{piece_id}.svg", translated(_sheet_music)),
        Route("/p/{piece_id}.png", translated(_picture)),
        *page.routes(),
    ]


def _file(request: Request, *, suffix: str) -> Response:
    piece, kind = find_piece(request.path_params["piece_id"]), KINDS[suffix]
    headers = {"content-disposition": f'attachment; filename="{file_name(piece, suffix)}"', **caching(piece.id)}
    return Response(kind.write(piece), media_type=kind.media_type, headers=headers)


def _sheet_music(request: Request) -> Response:
    """Answer page ?page= of the score on ?paper=, or the whole on one long page."""
    piece = find_piece(request.path_params["piece_id"])
    asked = request.query_params.get("page")
    paper = request.query_params.get("paper", "long" if asked is None else "a4")
    if paper not in PAPERS or not (asked is None or (asked.isascii() and asked.isdigit() and len(asked) <= 3)):
        return refusal(request, f"A page is asked for by its number, on {' or '.join(PAPERS)} paper.", 400)
    if not can_be_engraved(piece):
        return refusal(request, say("page.too_long", language=wanted_language(request)), 404)
    pages = sheet_music(piece, paper)
    number = int(asked or 1)
    if not 1 <= number <= len(pages):
        return refusal(request, f"The score has pages 1 to {len(pages)}.", 404)
    headers = {
        "content-disposition": f'inline; filename="{file_name(piece, ".svg")}"',
        "content-security-policy": _SVG_POLICY,
        **caching(piece.id),
    }
    return Response(pages[number - 1], media_type="image/svg+xml", headers=headers)


def _picture(request: Request) -> Response:
    piece = find_piece(request.path_params["piece_id"])
    words = describe(piece.recipe, DEFAULT_LANGUAGE)
    drawn = draw_picture(piece.score, join=piece.join, title=piece.title, words=words)
    return Response(drawn, media_type="image/png", headers=caching(piece.id))
