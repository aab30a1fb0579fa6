"""The files that a piece can be taken away as, by suffix: the same for the page's buttons and for the routes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.render.abc import write_abc
from musicdemo.render.audio import can_compress, render_compressed
from musicdemo.render.engraving import A4, BOOKLET, LONG_PAGE, MAX_NOTES, engrave
from musicdemo.render.musicxml import write_musicxml
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.piece_page.recipe_file import recipe_file

PAPERS = {"a4": A4, "booklet": BOOKLET, "long": LONG_PAGE}
ENGRAVINGS_REMEMBERED = 32
SOUNDS_REMEMBERED = 16


@dataclass(frozen=True)
class Kind:
    """One kind of file: its media type, and what makes its bytes from a piece."""

    media_type: str
    write: Callable[[Piece], bytes]


def midi_file(piece: Piece) -> bytes:
    """Write the piece as MIDI, with its title and its recipe in texts that players pass over."""
    return write_midi(titled(piece), note=json.dumps(recipe_file(piece), separators=(",", ":")))


def wav_file(piece: Piece) -> bytes:
    """Play the piece. Raises AudioError."""
    return services.sounds().wav(piece.score).read_bytes()


def ogg_file(piece: Piece) -> bytes:
    """Play the piece as Ogg Vorbis, or take it from the shelf. Raises AudioError."""
    found = _compressed().get(piece.id)
    if found is None:
        found = render_compressed(piece.score)
        _compressed().put(piece.id, found)
    return found


def titled(piece: Piece) -> Score:
    """Return the score under the title of the piece."""
    return replace(piece.score, title=piece.title)


def can_be_engraved(piece: Piece) -> bool:
    """Say whether there is sheet music of the piece; a very long one would keep visitors waiting."""
    return piece.score.note_count <= MAX_NOTES


def sheet_music(piece: Piece, paper: str) -> tuple[str, ...]:
    """Return the pages of the score on one of PAPERS; ValueError where it cannot be engraved."""
    name = f"{paper} {piece.id}"
    pages = _engravings().get(name)
    if pages is None:
        pages = engrave(titled(piece), join=piece.join, paper=PAPERS[paper])
        _engravings().put(name, pages)
    return pages


KINDS = {
    ".mid": Kind("audio/midi", midi_file),
    ".wav": Kind("audio/wav", wav_file),
    ".ogg": Kind("audio/ogg", ogg_file),
    ".musicxml": Kind(
        "application/vnd.recordare.musicxml+xml", lambda piece: write_musicxml(titled(piece), join=piece.join)
    ),
    ".abc": Kind("text/vnd.abc", lambda piece: write_abc(titled(piece), join=piece.join).encode()),
    ".svg": Kind("image/svg+xml", lambda piece: sheet_music(piece, "long")[0].encode()),
    ".json": Kind("application/json", lambda piece: (json.dumps(recipe_file(piece), indent=2) + "\n").encode()),
}
"""What can be taken away, the most wanted first."""


def kinds_of(piece: Piece) -> list[str]:
    """Return the suffixes of what this piece can be taken away as, on this machine."""
    lacking = {".svg"} if not can_be_engraved(piece) else set()
    lacking |= {".ogg"} if not can_compress() else set()
    return [suffix for suffix in KINDS if suffix not in lacking]


@st.cache_resource(show_spinner=False)
def _engravings() -> services.Shelf[tuple[str, ...]]:
    return services.Shelf(ENGRAVINGS_REMEMBERED)


@st.cache_resource(show_spinner=False)
def _compressed() -> services.Shelf[bytes]:
    return services.Shelf(SOUNDS_REMEMBERED)
