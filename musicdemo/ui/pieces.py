"""Every piece that has an address: saved ones, the demo that ships, and seeds that are only looked at.

A seed is shown as a piece without new notes: its join is its end.
"""

import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from musicdemo.hub.name import short_name
from musicdemo.music import score_json
from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.words import known_words, say

DEMO_ID = "demo"
DEMO_FILE = Path(__file__).with_name("demo_piece.json")
_SEED_PREFIX = "seed-"
_PREVIEW_PREFIX = "preview-"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def find_piece(piece_id: str) -> Piece:
    """Return the piece at an address. Raises StoreError with one sentence where there is none."""
    if piece_id == DEMO_ID:
        return demo_piece()
    if piece_id.startswith(_SEED_PREFIX) and piece_id.removeprefix(_SEED_PREFIX) in services.seeds():
        seed = services.seeds()[piece_id.removeprefix(_SEED_PREFIX)]
        return _unsaved(piece_id, seed.title, seed.score)
    preview = services.previews().get(piece_id)
    return preview or services.piece_store().load(piece_id)


def show_seed(name: str) -> Piece:
    """Return a shipped seed as a piece to look at and hear."""
    return find_piece(_SEED_PREFIX + name)


def show_upload(title: str, score: Score) -> Piece:
    """Return an uploaded score as a piece to look at and hear; its address lives as long as the server remembers."""
    identity = _PREVIEW_PREFIX + hashlib.sha256(write_midi(score)).hexdigest()[:16]
    piece = _unsaved(identity, title, score)
    services.previews().put(identity, piece)
    return piece


def shown_title(piece: Piece) -> str:
    """Return the title of a piece; what ships with the program is named in the language of this visit."""
    if piece.id == DEMO_ID:
        name = piece.recipe["seed"]
        return say("stage.continued", title=known_words("seeds", name, piece.recipe["seed_title"]))
    return known_words("seeds", piece.id.removeprefix(_SEED_PREFIX), piece.title)


def is_kept(piece: Piece) -> bool:
    """Say whether the address of the piece may be handed on: previews are forgotten."""
    return not piece.id.startswith((_SEED_PREFIX, _PREVIEW_PREFIX))


def score_end(score: Score) -> int:
    """Return the bar line behind the last note; 0 for an empty score."""
    return score.bars[-1].end if score.bars else 0


def file_name(piece: Piece, suffix: str) -> str:
    """Return a plain ASCII name for a download, such as greensleeves-continued-lstm-7-1b9f3c.mid.

    It tells title, model, random seed and the beginning of the id.
    """
    recipe = piece.recipe
    made = f"{short_name(recipe['model'])} {recipe['settings']['random_seed']}" if recipe else ""
    parts = (_plain(piece.title, 48) or "piece", _plain(made, 36), re.sub(r"[^a-z0-9]", "", piece.id.lower())[:6])
    return "-".join(part for part in parts if part) + suffix


def _plain(text: str, length: int) -> str:
    """Return text as small letters and digits with dashes between, the end of a long one cut off."""
    words = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:length].strip("-")


@cache
def demo_piece() -> Piece:
    """Return the piece that the page opens with: a shipped seed and what the default model made of it."""
    return piece_from_json(json.loads(DEMO_FILE.read_text(encoding="utf-8")))


def piece_to_json(piece: Piece) -> dict[str, Any]:
    """Turn the demo into JSON; its events are left out, since nothing on the page reads them."""
    return {
        "title": piece.title,
        "join": piece.join,
        "recipe": piece.recipe,
        "score": score_json.to_json(piece.score),
    }


def piece_from_json(data: dict[str, Any]) -> Piece:
    """Rebuild the demo from what piece_to_json made of it."""
    return Piece(
        id=DEMO_ID,
        created=_EPOCH,
        title=data["title"],
        score=score_json.from_json(data["score"]),
        join=data["join"],
        events=np.zeros((0, 0), dtype=np.int64),
        recipe=data["recipe"],
    )


def _unsaved(identity: str, title: str, score: Score) -> Piece:
    return Piece(identity, _EPOCH, title, score, score_end(score), np.zeros((0, 0), dtype=np.int64), {})
