"""A piece's own page as HTML: to hear it, see it, read its score, take it away and make something of it.

Everything that comes from people is escaped by the templates; nothing is loaded from another host. Without JavaScript
there is the browser's own player, the picture, the score and all files.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from musicdemo.errors import EngravingError
from musicdemo.hub.name import short_name
from musicdemo.store import Piece
from musicdemo.ui.components.piano_roll import RollView, roll_data, roll_html, roll_words
from musicdemo.ui.piece_page.assets import assets
from musicdemo.ui.piece_page.files import can_be_engraved, kinds_of, sheet_music
from musicdemo.ui.pieces import file_name
from musicdemo.ui.recipes import describe
from musicdemo.ui.words import LANGUAGES, section_words

EMBED_WIDTH, EMBED_HEIGHT = 720, 520
_EMBEDDED_ROLL_HEIGHT = 250
PICTURE_SIZE = (1200, 630)
_LOCALES = {"en": "en_US", "zh": "zh_CN"}
_DOWNLOAD_WORDS = {
    ".mid": "midi", ".wav": "wav", ".ogg": "ogg", ".musicxml": "musicxml", ".abc": "abc", ".svg": "svg", ".json": "json"
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the server stands on the web, such as https://music.example, and the visitor's language."""

    base: str
    language: str

    @property
    def words(self) -> dict[str, str]:
        """The texts of the page."""
        return section_words("page", self.language)


def piece_page(piece: Piece, place: Place) -> str:
    """Return the page of a piece."""
    address = f"{place.base}/p/{piece.id}"
    files = section_words("takeaway", place.language)
    downloads = [
        (f"/p/{piece.id}{suffix}", file_name(piece, suffix), files[name], files[f"{name}_hint"])
        for suffix, name in _DOWNLOAD_WORDS.items()
        if suffix in kinds_of(piece)
    ]
    return _render(
        "piece.html",
        place,
        piece=piece,
        made=made_of(piece, place),
        recipe=describe(piece.recipe, place.language),
        address=address,
        picture=f"{address}.png",
        picture_size=PICTURE_SIZE,
        studio="/?" + urlencode({"piece": piece.id, "lang": place.language}),
        pages=_page_count(piece),
        downloads=downloads,
        snippet=embed_snippet(piece, address),
        roll=_roll(piece, place, title=place.words["listen"], subtitle=""),
    )


def _page_count(piece: Piece) -> int:
    try:
        return len(sheet_music(piece, "booklet")) if can_be_engraved(piece) else 0
    except EngravingError:
        return 0  # the piece is there all the same, and the address of its score says what is the matter


def embed_page(piece: Piece, place: Place) -> str:
    """Return the form of the page that other sites put into a frame: the roll alone, with a way to the whole."""
    return _render(
        "embed.html",
        place,
        piece=piece,
        address=f"{place.base}/p/{piece.id}?" + urlencode({"lang": place.language}),
        roll=_roll(
            piece,
            place,
            title=piece.title,
            subtitle=describe(piece.recipe, place.language),
            height=_EMBEDDED_ROLL_HEIGHT,
        ),
    )


def missing_page(place: Place, sentence: str) -> str:
    """Return the page that is shown where there is no piece; in English the sentence says why."""
    return _render("missing.html", place, sentence=sentence if place.language == "en" else place.words["missing"])


def made_of(piece: Piece, place: Place) -> str:
    """Say in a sentence who wrote which part."""
    recipe = piece.recipe
    if not recipe:
        return ""
    model = short_name(recipe["model"])
    name = "made_from_seed" if piece.join else "made_from_nothing"
    return place.words[name].format(
        model=model, seed=recipe["seed_title"], seed_notes=recipe["seed_notes"], notes=recipe["new_notes"],
        bars=recipe["new_bars"],
    )  # fmt: skip


def embed_snippet(piece: Piece, address: str) -> str:
    """Return the HTML that shows the piece on another site."""
    frame = Markup('<iframe src="{}/embed" title="{}" width="{}" height="{}" loading="lazy" style="border:0"></iframe>')
    return str(frame.format(address, piece.title, EMBED_WIDTH, EMBED_HEIGHT))


def _roll(piece: Piece, place: Place, *, title: str, subtitle: str, height: int | None = None) -> dict[str, Any]:
    view = RollView(
        score=piece.score,
        join=piece.join,
        identity=piece.id,
        title=title,
        subtitle=subtitle,
        source=f"/p/{piece.id}.wav",
        link=f"/p/{piece.id}",
        height=height,
        reseeds=False,
    )
    return {"data": roll_data(view, language=place.language), "words": roll_words(place.language)}


def _render(template: str, place: Place, **values: Any) -> str:  # noqa: ANN401  # what the templates name
    others = [(code, name) for code, name in LANGUAGES.items() if code != place.language]
    return (
        _templates()
        .get_template(template)
        .render(
            words=place.words,
            language=place.language,
            locale=_LOCALES[place.language],
            others=others,
            assets=assets(),
            roll_html=Markup(roll_html()),  # noqa: S704  # our own file
            **values,
        )
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
