"""The pages beside the first one, opened by their own address.

Streamlit's browser side does not know whether /compare is a page or a folder that the whole server lies in, and asks
both for signs of life; one answer is then an error in the console. Told where the server is, it asks there alone.
"""

import json
from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGES = ("studio", "compare", "models")
_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"


def routes() -> list[Route]:
    """List the routes."""
    return [Route(f"/{page}", _shell) for page in PAGES]


def _shell(request: Request) -> Response:
    folder = json.dumps(f"{request.scope.get('root_path', '')}/")
    told = f"<script>window.__streamlit = {{BACKEND_BASE_URL: location.origin + {folder}}}</script>"
    return HTMLResponse(_index().replace("<head>", "<head>" + told, 1), headers={"cache-control": "no-cache"})


@cache
def _index() -> str:
    return _INDEX.read_text(encoding="utf-8")
