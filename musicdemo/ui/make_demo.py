"""Make the piece that the page opens with: python -m musicdemo.ui.make_demo [--model NAME] [--seed NAME]."""

import argparse
import json
from datetime import UTC, datetime

from musicdemo import DEFAULT_MODEL
from musicdemo.generation import GenerationSettings, generate
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compose import Wish, recipe
from musicdemo.ui.pieces import DEMO_FILE, DEMO_ID, piece_to_json


def make_demo(*, model: str, seed_name: str, settings: GenerationSettings) -> Piece:
    """Continue a shipped seed and return it as the demo piece. Raises CheckpointError or GenerationError."""
    seed = services.seeds()[seed_name]
    wish = Wish(model, settings, seed.score, seed_name, seed.title)
    made = generate(services.checkpoint(model), settings, seed=seed.score)[0]
    return Piece(DEMO_ID, datetime.now(UTC), wish.title, made.score, made.join, made.events, recipe=recipe(wish, made))


def main() -> None:
    """Write demo_piece.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL, choices=services.checkpoints())
    parser.add_argument("--seed", default=next(iter(services.seeds())), choices=services.seeds())
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--random-seed", type=int, default=1)
    asked = parser.parse_args()
    settings = GenerationSettings(bars=asked.bars, temperature=asked.temperature, random_seed=asked.random_seed)
    piece = make_demo(model=asked.model, seed_name=asked.seed, settings=settings)
    DEMO_FILE.write_text(json.dumps(piece_to_json(piece), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
