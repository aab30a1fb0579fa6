"""Open the database that saved things lie in: SQLite in a file or in memory, or whatever SQLAlchemy knows by URL.

What the tables hold, and which sentence tells that one does not answer, is the business of those who keep them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from musicdemo.errors import StoreError

BUSY_TIMEOUT_MS = 10_000
dump_json = partial(json.dumps, allow_nan=False, separators=(",", ":"))
"""Write JSON without spaces; ValueError for what is no number."""


def open_engine(url: str) -> Engine:
    """Open the database at `url` (sqlite:///folder/pieces.db, postgresql+psycopg://...).

    Raises:
        StoreError: the URL is not one, or the database cannot be opened.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(parsed)
        return create_engine(parsed, json_serializer=dump_json, pool_pre_ping=True)
    except (SQLAlchemyError, ImportError, OSError, ValueError) as error:
        # The URL may hold a password, so it is not repeated.
        raise StoreError(
            "The database of pieces cannot be opened: check its URL, its folder and its driver."
        ) from error


@contextmanager
def translated(failure: str) -> Iterator[None]:
    """Say `failure`, as in "The piece could not be saved", where the database does not answer."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"{failure}: the database does not answer; try again.") from error


def _open_sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    if not in_memory:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    # A database in memory lives in one connection, which threads then share in turn.
    size = {"pool_size": 1, "max_overflow": 0} if in_memory else {}
    engine = create_engine(
        url, json_serializer=dump_json, poolclass=QueuePool, connect_args={"check_same_thread": False}, **size
    )
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL writes the log to disk before a commit returns: a killed process or machine loses nothing acknowledged.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
