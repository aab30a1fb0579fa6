"""A piece's own page: plain HTML that needs no Streamlit, its form for frames, and the files that both need."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from musicdemo.errors import StoreError
from musicdemo.ui.piece_page.assets import asset
from musicdemo.ui.piece_page.page import Place, embed_page, missing_page, piece_page
from musicdemo.ui.pieces import find_piece, is_kept
from musicdemo.ui.routes.answers import wanted_language
from musicdemo.ui.sentences import say_sentence

# Nothing on these pages acts for a visitor, so any site may show them in a frame.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors *"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cache-control": "no-cache",
    "vary": "accept-language",
}
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


def routes() -> list[Route]:
    """List the routes; they stand behind those of files, whose addresses look like a piece's with a suffix."""
    return [
        Route("/assets/{name}", _asset),
        Route("/p/{piece_id}/embed", _embed),
        Route("/p/{piece_id}", _page),
    ]


def _page(request: Request) -> Response:
    piece_id = request.path_params["piece_id"]
    try:
        piece = find_piece(piece_id)
    except StoreError as error:
        return _missing(request, error)
    if not is_kept(piece):  # it may be forgotten tomorrow, so it has no page that could be handed on
        return RedirectResponse("/?" + urlencode({"piece": piece_id}), status_code=307)
    return HTMLResponse(piece_page(piece, _place(request)), headers=_HEADERS)


def _embed(request: Request) -> Response:
    try:
        piece = find_piece(request.path_params["piece_id"])
    except StoreError as error:
        return _missing(request, error)
    return HTMLResponse(embed_page(piece, _place(request)), headers=_HEADERS)


def _missing(request: Request, error: StoreError) -> Response:
    place = _place(request)
    sentence = say_sentence(str(error), place.language)
    return HTMLResponse(missing_page(place, sentence), status_code=404, headers=_HEADERS)


def _asset(request: Request) -> Response:
    found = asset(request.path_params["name"])
    if found is None:
        return PlainTextResponse("There is no such file: load the page again.", status_code=404)
    return Response(found.data, media_type=found.media_type, headers=_FOR_EVER)


def _place(request: Request) -> Place:
    """Say where the page stands on the web, as the visitor reached it, and in which language it is wanted."""
    return Place(str(request.base_url).rstrip("/"), wanted_language(request))
