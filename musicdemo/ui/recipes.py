"""A recipe in words: how a piece was made, said in one line."""

from typing import Any

from musicdemo.hub.name import short_name
from musicdemo.ui.words import known_words, say


def describe(recipe: dict[str, Any], language: str | None = None) -> str:
    """Say a recipe in one line, in a language or in that of this visit; "" for a seed."""
    if not recipe:
        return ""
    settings = recipe["settings"]
    beam, style = settings.get("beam_width"), recipe["style"]

    def word(key: str, /, **values: object) -> str:
        return say(f"recipe.{key}", language=language, **values)

    parts = [
        short_name(recipe["model"]),
        word("temperature", value=f"{settings['temperature']:g}"),
        word("bars", count=recipe["new_bars"]),
        word("beams", width=beam) if beam else word("sampled"),
        word("style", name=known_words("styles", style, language=language)) if style else word("style_open"),
        word("random_seed", number=settings["random_seed"]),
    ]
    bits = sum(recipe.get("constraint_bits", {}).values())
    if recipe.get("constraint_bits"):
        parts.append(word("wishes", bits=f"{bits:.1f}"))
    if recipe.get("is_degenerate"):
        parts.append(word("degenerate_search" if beam else "degenerate"))
    elif recipe.get("retries"):
        parts.append(word("redrawn", count=recipe["retries"]))
    if not recipe["finished"]:
        parts.append(word("stopped"))
    return " · ".join(parts)
