"""A real server with a database of its own, and a real Chromium to visit it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket, sync_playwright

from scripts.studio_server import CHROMIUM_FLAGS, find_chromium, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder) as address:
        yield address
    log = (folder / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("Chromium is not installed: the page was not tested in a browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Open an address in a browser context of its own; in the end, no visit may have complained or called elsewhere."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(page: Page) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                complaints.append(f"console: {message.text}")

        def on_call(call: Request | WebSocket) -> None:
            if not call.url.startswith((server, server.replace("http", "ws", 1), "data:", "blob:")):
                complaints.append(f"request to another host: {call.url}")

        page.on("console", on_console)
        page.on("request", on_call)
        page.on("websocket", on_call)
        page.on("pageerror", lambda error: complaints.append(f"error in the page: {error}"))

    def open_page(path: str = "/", *, width: int = 1360, height: int = 900, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, accept_downloads=True, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        listen(page)
        page.goto(server + path)
        page.locator("[data-roll]").first.wait_for(timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
