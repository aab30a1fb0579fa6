"""The server around the page: addresses of pieces over plain HTTP, and the work before the first visitor."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import Route

from musicdemo.errors import MusicDemoError
from musicdemo.generation import GenerationSettings, generate
from musicdemo.ui import services
from musicdemo.ui.pieces import demo_piece
from musicdemo.ui.routes import inside, live, models, pieces, shell, sound

_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """List the routes beside the page."""
    return [*sound.routes(), *pieces.routes(), *inside.routes(), *live.routes(), *models.routes(), *shell.routes()]


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Warm the server up, then serve."""
    await asyncio.to_thread(warm_up)
    # Streamlit runs a full collection after every rerun: what lives as long as the server need not be walked each time.
    gc.collect()
    gc.freeze()
    yield


def warm_up() -> None:
    """Load the default model, take its first steps and render the demo, so that the first visitor waits for nothing."""
    try:
        for name in list(services.checkpoints())[:1]:
            generate(services.checkpoint(name), GenerationSettings(bars=1))
        services.sounds().wav(demo_piece().score)
    except MusicDemoError as error:
        _log.warning("The page opens, but: %s", error)
