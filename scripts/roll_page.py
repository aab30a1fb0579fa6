"""A plain page with piano rolls and no Streamlit around them, for measurements and tests of the roll itself."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from musicdemo.ui.components.piano_roll import roll_css, roll_html, roll_js, roll_words

PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Piano roll</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><style>{css}</style>
<body><main>{elements}</main>
<script type="module">
import {{ mountRoll }} from '/roll.js'
const words = {words}
window.told = []
window.acted = []
const answer = {{ state: value => window.told.push(value), act: value => window.acted.push(value) }}
const places = [...document.querySelectorAll('main > div')]
window.show = (place, data) => mountRoll(places[place], data, words, answer)
const rolls = {rolls}
rolls.forEach((data, place) => window.show(place, data))
</script>"""


@contextmanager
def running_page(rolls: list[dict[str, Any]], folder: Path, *routes: BaseRoute, language: str = "en") -> Iterator[str]:
    """Serve a page with `rolls` (roll_data of each), `folder` as /files and more `routes`; yield its address.

    In the page, show(place, data) gives a roll new data; told and acted list what the rolls answered.
    """
    page = PAGE.format(
        language=language,
        css=roll_css(),
        elements="".join(f"<div>{roll_html()}</div>" for _ in rolls),
        words=json.dumps(roll_words(language)),
        rolls=json.dumps(rolls).replace("<", "\\u003c"),
    )

    def script(_request: Request) -> Response:
        return Response(roll_js(), media_type="text/javascript")

    def document(_request: Request) -> Response:
        return HTMLResponse(page)

    files = Mount("/files", StaticFiles(directory=folder))
    icon = Route("/favicon.ico", lambda _request: Response(status_code=204))
    server = _Server([Route("/", document), Route("/roll.js", script), icon, files, *routes])
    with server.running() as address:
        yield address


class _Server:
    """Uvicorn in a thread of this process, on a free port."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        settings = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="warning", ws="none")
        self._server = uvicorn.Server(settings)

    @contextmanager
    def running(self) -> Iterator[str]:
        thread = threading.Thread(target=self._server.run, daemon=True)
        thread.start()
        while not self._server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            port = self._server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            self._server.should_exit = True
            thread.join(timeout=10)
