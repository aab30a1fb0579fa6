"""Engraving: a Score as pages of sheet music in SVG, drawn by verovio from our MusicXML.

A page holds all that it needs and refers to nothing outside itself. It is meant to be shown as a picture: names and
titles in it are text, but a stranger's all the same, so it never becomes part of a page's own markup.
"""

from dataclasses import dataclass
from importlib import resources
from threading import Lock

import verovio

from musicdemo.errors import EngravingError
from musicdemo.music.score import Score
from musicdemo.render.musicxml import write_musicxml

MAX_NOTES = 6_000
"""The longest score that is engraved: a visitor waits for it."""

REFUSED = "This piece could not be engraved; its notes can still be downloaded as MIDI or MusicXML."
TENTHS_OF_MM = 10
SCALE_PERCENT = 40


@dataclass(frozen=True)
class Paper:
    """The size of a page in millimetres, and whether it ends below the last staff."""

    width: int
    height: int
    is_cut: bool = False


A4 = Paper(210, 297)
BOOKLET = Paper(105, 240, is_cut=True)
"""Half as wide: one page fills a phone, two lie side by side on a screen."""

LONG_PAGE = Paper(210, 6000, is_cut=True)
"""The whole piece on one page, unless it is six metres long."""

# verovio keeps fonts and options in one place for all toolkits of a process.
_one_at_a_time = Lock()


def engrave(score: Score, *, join: int = 0, paper: Paper = A4) -> tuple[str, ...]:
    """Draw the pages of a score as SVG documents; a double bar stands at `join`. The same score gives the same pages.

    Raises:
        EngravingError: verovio does not take it.
        ValueError: the score has more than MAX_NOTES notes.
    """
    if score.note_count > MAX_NOTES:
        raise ValueError(f"at most {MAX_NOTES:,} notes are engraved, not {score.note_count:,}")
    document = write_musicxml(score, join=join).decode()
    with _one_at_a_time:
        verovio.enableLog(verovio.LOG_OFF)
        # By itself verovio finds its fonts in the thread alone that first imported it.
        toolkit = verovio.toolkit(False)  # noqa: FBT003  # its own positional argument
        toolkit.setResourcePath(str(resources.files("verovio") / "data"))
        toolkit.setOptions(_options(paper))
        if not toolkit.loadData(document):
            raise EngravingError(REFUSED)
        return tuple(str(toolkit.renderToSVG(page)) for page in range(1, toolkit.getPageCount() + 1))


def _options(paper: Paper) -> dict[str, object]:
    return {
        "pageWidth": paper.width * TENTHS_OF_MM,
        "pageHeight": paper.height * TENTHS_OF_MM,
        "adjustPageHeight": paper.is_cut,
        "scale": SCALE_PERCENT,
        "breaks": "auto",
        "condense": "none",
        "footer": "none",
        "svgViewBox": True,  # so that a page can fill whatever place it gets
        "smuflTextFont": "embedded",
        "xmlIdSeed": 1,
    }
