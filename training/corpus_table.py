"""What a corpus is, before any of its music is read: which files, which split each belongs to, which are left out."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import MidiError

Events = NDArray[np.uint16]
SPLITS = ("train", "valid", "test")
SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
OWN_FILES = tuple("**/*" + "".join(f"[{c}{c.upper()}]" if c != "." else c for c in suffix) for suffix in SUFFIXES)
"""Patterns of every MIDI file below a folder, whatever the case of its suffix."""

LISTED = "listed in an exclusion table"
PIECES_FOR_A_TEST = 10
"""A small corpus with fewer pieces spares none for a test."""

_FOLDER_SPLITS = {"train": "train", "valid": "valid", "validation": "valid", "test": "test"}


@dataclass(frozen=True)
class CorpusSpec:
    """One table of corpora.toml; see the head of that file."""

    name: str
    folder: str
    files: tuple[str, ...]
    split: str = "hash"
    piece: str = r"([^/]+)$"
    exclude: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    programs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w-]*", self.name):
            raise ValueError(f"a corpus is named with letters, digits, _ and -, not {self.name!r}")
        if self.split not in ("hash", "folder"):
            raise ValueError(f"corpus {self.name}: split must be hash or folder, not {self.split!r}")


@dataclass(frozen=True)
class Piece:
    """One file of a corpus: its split and, once it was read, its events (T, C), or why it was left out."""

    path: str
    split: str
    events: Events | None = None
    reason: str = ""

    def without(self, reason: str) -> "Piece":
        """Leave the piece out for this reason."""
        return replace(self, events=None, reason=reason)


def read_specs(path: Path) -> tuple[CorpusSpec, ...]:
    """Read a table of corpora; MidiError if it is none, OSError if it cannot be read."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(_spec(name, table) for name, table in tables.items())
    except (ValueError, TypeError) as error:
        raise MidiError(f"{path} is not a table of corpora: {error}") from error


def _spec(name: str, table: dict[str, Any]) -> CorpusSpec:
    lists: dict[str, Any] = {key: tuple(table[key]) for key in ("files", "exclude") if key in table}
    return CorpusSpec(name=name, **(table | lists))


def find_pieces(spec: CorpusSpec, data: Path) -> tuple[Piece, ...]:
    """List the files of a corpus, sorted, each with its split; excluded ones carry their reason.

    Raises MidiError for a folder that is not there and for a file that belongs to no split.
    """
    folder = data / spec.folder
    if not folder.is_dir():
        raise MidiError(f"corpus {spec.name}: there is no folder {folder}")
    found = {path for pattern in spec.files for path in folder.glob(pattern) if not path.is_dir()}
    paths = sorted(path.relative_to(folder).as_posix() for path in found)
    excluded = set(_excluded_names(spec, folder))
    return tuple(Piece(path, split_of(spec, path), reason=LISTED if _name(path) in excluded else "") for path in paths)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _excluded_names(spec: CorpusSpec, folder: Path) -> Iterator[str]:
    for table in spec.exclude:
        _, *rows = (folder / table).read_text(encoding="utf-8").splitlines()
        yield from (_name(row.split("\t")[0]) for row in rows)


def split_of(spec: CorpusSpec, path: str) -> str:
    """Return the split that a file belongs to by its path alone; MidiError if it belongs to none."""
    if spec.split == "folder":
        named = [_FOLDER_SPLITS[part] for part in path.split("/") if part in _FOLDER_SPLITS]
        if not named:
            raise MidiError(f"corpus {spec.name}: {path!r} lies in no folder named train, valid or test")
        return named[0]
    percent = _hash(_piece_name(spec, path)) % 100
    return "test" if percent < 5 else "valid" if percent < 10 else "train"


def _piece_name(spec: CorpusSpec, path: str) -> str:
    match = re.search(spec.piece, path)
    if match is None:
        raise MidiError(f"corpus {spec.name}: {path!r} does not match {spec.piece!r}")
    return match[1]


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:4])


def spread(spec: CorpusSpec, pieces: list[Piece]) -> list[Piece]:
    """Give each split of a small corpus a piece, where chance left one empty; all versions of a piece move together.

    Two pieces are enough for a validation, PIECES_FOR_A_TEST for a test. A corpus split by folders is left as it is.
    """
    if spec.split == "folder":
        return pieces
    splits = {_piece_name(spec, piece.path): piece.split for piece in pieces if piece.events is not None}
    least = {"train": 1, "valid": 2, "test": PIECES_FOR_A_TEST}
    moved: dict[str, str] = {}
    for split, pieces_needed in least.items():
        if len(splits) >= pieces_needed and split not in splits.values():
            names = sorted(splits, key=lambda name: (_hash(name), name))
            # Of two that are equally full, training gives nothing: it must not be left with none.
            fullest = max(reversed(SPLITS), key=list(splits.values()).count)
            moved[next(name for name in names if splits[name] == fullest)] = split
            splits |= moved
    return [replace(piece, split=moved.get(_piece_name(spec, piece.path), piece.split)) for piece in pieces]
