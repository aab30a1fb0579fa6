"""A real server on a free port with a database of its own, and a real Chromium to visit it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket, sync_playwright

ROOT = Path(__file__).parents[2]
START_SECONDS = 90
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310  # our own server, by http
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    address = f"http://localhost:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{folder}/pieces.sqlite3"}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            wait_for_server(process, address, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert "Traceback" not in log.read_text(), log.read_text()


def wait_for_server(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(START_SECONDS * 4):
        assert process.poll() is None, f"the server ended: {log.read_text()}"
        if answers(f"{address}/_stcore/health"):
            return
        time.sleep(0.25)
    pytest.fail(f"the server did not answer within {START_SECONDS} s: {log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed: the page was not tested in a browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
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

    def open_page(path: str = "/", *, width: int = 1360, height: int = 900) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        listen(page)
        page.goto(server + path)
        page.locator("[data-roll]").wait_for(timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
