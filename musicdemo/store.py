"""Saved pieces: notes, the events that made them, and the recipe, each at an address that nobody can guess.

SQLite by default, any database that SQLAlchemy knows by URL. What the store acknowledges survives a killed process.
"""

import io
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, Column, DateTime, Integer, LargeBinary, MetaData, Row, String, Table, insert, select
from sqlalchemy.schema import CreateTable

from musicdemo.database import dump_json, open_engine, translated
from musicdemo.errors import StoreError
from musicdemo.music import score_json
from musicdemo.music.score import Score

MAX_TITLE_LENGTH = 200
_ID_BYTES = 16
_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}")

_PIECES = Table(
    "pieces",
    MetaData(),
    Column("id", String(22), primary_key=True),
    Column("created", DateTime, nullable=False),  # UTC
    Column("title", String(MAX_TITLE_LENGTH), nullable=False),
    Column("score", JSON, nullable=False),
    Column("join_step", Integer, nullable=False),
    Column("events", LargeBinary, nullable=False),  # numpy's .npy, without pickle
    Column("recipe", JSON, nullable=False),
)


@dataclass(frozen=True, eq=False)
class Piece:
    """A saved piece; `join` is the step where the new notes begin, `events` (T, C) their rows."""

    id: str
    created: datetime
    title: str
    score: Score
    join: int
    events: NDArray[np.int64]
    recipe: dict[str, Any]


class PieceStore:
    """Saves pieces and finds them again; may be used from many threads and processes at once."""

    def __init__(self, url: str) -> None:
        """Open the database at `url` (sqlite:///folder/pieces.db, postgresql+psycopg://...) and make its table.

        Raises:
            StoreError: the URL is not one, or the database cannot be opened.
        """
        self._engine = open_engine(url)
        with translated("The piece could not be opened"), self._engine.begin() as connection:
            connection.execute(CreateTable(_PIECES, if_not_exists=True))

    def save(self, *, title: str, score: Score, join: int, events: NDArray[np.int64], recipe: dict[str, Any]) -> Piece:
        """Save a piece under a new id of 128 random bits; when this returns, the piece is on disk.

        The title becomes one line of at most MAX_TITLE_LENGTH characters; `recipe` holds what JSON can hold.

        Raises:
            StoreError: the database does not take it.
            ValueError: `events` is not (T, C) whole numbers, or `recipe` cannot be JSON.
        """
        row = {
            "id": secrets.token_urlsafe(_ID_BYTES),
            "created": datetime.now(UTC).replace(tzinfo=None),
            "title": _one_line(title),
            "score": score_json.to_json(score),
            "join_step": join,
            "events": _pack_events(events),
            "recipe": _plain(recipe),
        }
        with translated("The piece could not be saved"), self._engine.begin() as connection:
            connection.execute(insert(_PIECES).values(row))
        return self.load(str(row["id"]))

    def load(self, piece_id: str) -> Piece:
        """Find a piece again.

        Raises:
            StoreError: there is none of this id, or what was saved cannot be read.
        """
        if not _ID_PATTERN.fullmatch(piece_id):
            raise StoreError("This is not the address of a piece: check that the link was copied whole.")
        try:
            row = self._fetch(piece_id)
            piece = None if row is None else _piece_from_row(row)
        except (ValueError, EOFError) as error:
            raise StoreError(f"The piece {piece_id} is damaged and cannot be opened.") from error
        if piece is None:
            raise StoreError("There is no piece at this address: check that the link was copied whole.")
        return piece

    def _fetch(self, piece_id: str) -> Row[Any] | None:
        with translated("The piece could not be read"), self._engine.connect() as connection:
            return connection.execute(select(_PIECES).where(_PIECES.c.id == piece_id)).one_or_none()

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()


def _piece_from_row(row: Row[Any]) -> Piece:
    return Piece(
        id=row.id,
        created=row.created.replace(tzinfo=UTC),
        title=row.title,
        score=score_json.from_json(row.score),
        join=row.join_step,
        events=_unpack_events(row.events),
        recipe=row.recipe,
    )


def _plain(recipe: dict[str, Any]) -> dict[str, Any]:
    """Pass `recipe` through JSON, so that a caller's mistake shows before the database is asked."""
    try:
        plain: dict[str, Any] = json.loads(dump_json(recipe))
    except TypeError as error:
        raise ValueError(f"the recipe must be JSON: {error}") from error
    return plain


def _one_line(title: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in title)
    return " ".join(printable.split())[:MAX_TITLE_LENGTH]


def _pack_events(events: NDArray[np.int64]) -> bytes:
    if events.ndim != 2 or not np.issubdtype(events.dtype, np.integer):
        raise ValueError(f"events must be (T, C) whole numbers, not {events.shape} of {events.dtype}")
    small = events.astype(np.int16)
    buffer = io.BytesIO()
    np.save(buffer, small if np.array_equal(small, events) else events.astype(np.int64), allow_pickle=False)
    return buffer.getvalue()


def _unpack_events(data: bytes) -> NDArray[np.int64]:
    events = np.load(io.BytesIO(data), allow_pickle=False)
    if events.ndim != 2 or not np.issubdtype(events.dtype, np.integer):
        raise ValueError(f"events must be (T, C) whole numbers, not {events.shape} of {events.dtype}")
    return np.asarray(events, dtype=np.int64)
