"""Votes of blind comparisons: which of the entrants somebody liked best, without knowing which was which.

A comparison is voted on once. The votes lie in the database of the pieces; who voted is not kept.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, DateTime, MetaData, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from musicdemo.database import open_engine, translated

MAX_NAME_LENGTH = 200
KINDS = ("model", "temperature")
"""What the entrants of a comparison differ in."""

_VOTES = Table(
    "votes",
    MetaData(),
    Column("comparison", String(64), primary_key=True),
    Column("entrant", String(MAX_NAME_LENGTH), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("is_best", Boolean, nullable=False),
    Column("created", DateTime, nullable=False),  # UTC
)


@dataclass(frozen=True)
class Tally:
    """How often an entrant was in a comparison that was voted on, and how often it was liked best."""

    entrant: str
    wins: int
    comparisons: int


class VoteBook:
    """Counts votes; may be used from many threads and processes at once."""

    def __init__(self, url: str) -> None:
        """Open the database at `url`, as for a PieceStore, and make the table. Raises StoreError."""
        self._engine = open_engine(url)
        with translated("The votes could not be opened"), self._engine.begin() as connection:
            connection.execute(CreateTable(_VOTES, if_not_exists=True))

    def cast(self, comparison: str, *, kind: str, entrants: Sequence[str], best: str) -> bool:
        """Count the vote for `best` among the entrants; False where this comparison was voted on before.

        Raises:
            StoreError: the database does not take it.
            ValueError: it is no vote: an unknown kind, fewer than two entrants, the same one twice, or another's name.
        """
        if kind not in KINDS or len(entrants) < 2 or len(set(entrants)) < len(entrants) or best not in entrants:
            raise ValueError(f"a vote is for one of at least two different entrants, not {best!r} of {entrants}")
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [
            {"comparison": comparison, "entrant": name, "kind": kind, "is_best": name == best, "created": now}
            for name in entrants
        ]
        with translated("The vote could not be counted"):
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(_VOTES), rows)
            except IntegrityError:
                return False
        return True

    def best(self, comparison: str) -> str | None:
        """Return the entrant that a comparison's vote went to; None before it. Raises StoreError."""
        wanted = select(_VOTES.c.entrant).where(_VOTES.c.comparison == comparison, _VOTES.c.is_best)
        with translated("The votes could not be read"), self._engine.connect() as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        return None if found is None else str(found)

    def tally(self, kind: str) -> list[Tally]:
        """Count wins by entrant, most wins a comparison first, then by name. Raises StoreError."""
        wins = func.count().filter(_VOTES.c.is_best)
        counted = select(_VOTES.c.entrant, wins, func.count()).where(_VOTES.c.kind == kind).group_by(_VOTES.c.entrant)
        with translated("The votes could not be read"), self._engine.connect() as connection:
            tallies = [Tally(str(row[0]), int(row[1]), int(row[2])) for row in connection.execute(counted)]
        return sorted(tallies, key=lambda tally: (-tally.wins / tally.comparisons, tally.entrant))

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()


def comparison_id(piece_ids: Iterable[str]) -> str:
    """Name the comparison of these pieces; their order is not part of it, so shuffling gives no second vote."""
    return hashlib.sha256("\n".join(sorted(piece_ids)).encode()).hexdigest()
