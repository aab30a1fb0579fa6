"""The manifest beside a corpus: where it is from, what each file became, and why files were left out."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from musicdemo.music.vocabulary import Column
from training.corpus_table import PIECES_FOR_A_TEST, SPLITS, CorpusSpec, Piece

COPY, HELD_OUT = "the same music as ", "music that a benchmark holds out: "
"""How reasons begin that go on with the name of a piece."""

_KINDS = {COPY: "the same music as another piece", HELD_OUT: "music that a benchmark holds out"}
_FEW_PIECES = 50


def read_manifest(folder: Path, name: str) -> dict[str, Any]:
    """Return the manifest of a corpus; empty if there is none that can be read, as with a corpus from elsewhere."""
    try:
        manifest = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def piece_names(manifest: dict[str, Any], split: str, count: int) -> list[str]:
    """Return the paths of the `count` pieces of a split, in order, or numbers if the manifest is of other pieces."""
    files = manifest.get("files", {}).items()
    paths = [path for path, entry in files if entry["split"] == split and "rejected" not in entry]
    return paths if len(paths) == count else [f"{split} piece {number}" for number in range(1, count + 1)]


def manifest_of(spec: CorpusSpec, pieces: list[Piece]) -> dict[str, Any]:
    """Account for every piece of a corpus."""
    files = {piece.path: _entry(piece) for piece in pieces}
    kept = [piece for piece in pieces if piece.events is not None]
    return {
        "name": spec.name,
        "source": spec.source,
        "licence": spec.licence,
        "pieces": {split: sum(piece.split == split for piece in kept) for split in SPLITS},
        "notes": {split: sum(f["notes"] for f in files.values() if f["split"] == split) for split in SPLITS},
        "rejected": len(pieces) - len(kept),
        "reasons": count_reasons(pieces),
        "tokenizer_columns": len(Column),
        "files": files,
    }


def _entry(piece: Piece) -> dict[str, Any]:
    notes = 0 if piece.events is None else int((piece.events[:, Column.PITCH] > 0).sum())
    return {"split": piece.split, "notes": notes} | ({"rejected": piece.reason} if piece.reason else {})


def count_reasons(pieces: Iterable[Piece]) -> dict[str, int]:
    """Count the pieces that were left out by the kind of their reason, the most frequent first."""
    return dict(Counter(_kind(piece.reason) for piece in pieces if piece.reason).most_common())


def _kind(reason: str) -> str:
    return next((kind for start, kind in _KINDS.items() if reason.startswith(start)), reason)


def describe(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that tell what came of a corpus, and what it is too small for."""
    name, pieces = manifest["name"], manifest["pieces"]
    yield f"{name:12s} pieces {pieces} notes {manifest['notes']} rejected {manifest['rejected']}"
    for kind, count in manifest["reasons"].items():
        yield f"  {count:,} left out: {kind}"
    total = sum(pieces.values())
    if not pieces["valid"]:
        yield "  nothing is left to validate on: give at least two pieces, or train beside corpora that have some"
    elif not pieces["test"]:
        yield f"  nothing is left to test on: a folder of {PIECES_FOR_A_TEST} pieces or more keeps one for that"
    if total < _FEW_PIECES:
        yield f"  {total} pieces are few: below some {_FEW_PIECES} a network rather learns them by heart"
