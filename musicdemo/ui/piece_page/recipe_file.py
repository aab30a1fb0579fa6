"""The recipe of a piece as JSON: what a person or a program needs to make it again, and what came of it.

    format_version      1
    made_by             musicdemo
    id title created    of the piece; created is in UTC
    model               a shipped checkpoint's name, or OWNER/NAME@COMMIT on the Hugging Face Hub
    weights_sha256      SHA-256 of the weights that wrote it; null where the piece was saved without
    settings            the GenerationSettings: bars, temperature, top_k, top_p, random_seed, beams, wishes
    seed                name and title of what it began from, its bars and the SHA-256 of its notes as MIDI; null for
                        a piece from nothing
    result              the rest: style, log-probability, counts of notes and bars, what wishes cost

The same model, settings and seed give the same notes on the same kind of processor. Who has only this file and the
piece as MIDI has the seed too: it is the first `seed.bars` bars.
"""

import hashlib
from typing import Any

from musicdemo.music.midi import write_midi
from musicdemo.store import Piece

FORMAT_VERSION = 1
_ELSEWHERE = frozenset(("model", "settings", "seed", "seed_title", "weights_sha256"))


def recipe_file(piece: Piece) -> dict[str, Any]:
    """Say how a piece was made, in the form above; of a seed that is only looked at, model and settings are null."""
    recipe = piece.recipe
    return {
        "format_version": FORMAT_VERSION,
        "made_by": "musicdemo",
        "id": piece.id,
        "title": piece.title,
        "created": piece.created.isoformat(timespec="seconds"),
        "model": recipe.get("model"),
        "weights_sha256": recipe.get("weights_sha256"),
        "settings": recipe.get("settings"),
        "seed": _seed(piece) if piece.join else None,
        "result": {name: value for name, value in recipe.items() if name not in _ELSEWHERE},
    }


def _seed(piece: Piece) -> dict[str, Any]:
    notes = piece.score.clipped(0, piece.join)
    return {
        "name": piece.recipe.get("seed"),
        "title": piece.recipe.get("seed_title", piece.title),
        "bars": sum(bar.start < piece.join for bar in piece.score.bars),
        "sha256": hashlib.sha256(write_midi(notes)).hexdigest(),
    }
