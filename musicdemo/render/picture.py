"""The picture of a piece for previews of its link: the roll, with the new part told from the seed, under its title.

Only Pillow and its own font, which is Latin, are needed; other titles are drawn where the machine has a font for them.
"""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import Score

WIDTH, HEIGHT = 1200, 630
"""What link previews of the large services expect."""

PAPER, INK, SOFT, SEED, NEW, NEW_GROUND = "#fdfcfa", "#22252a", "#5d636b", "#7c8794", "#0f766e", "#e6f2ef"
_MARGIN = 60
_ROLL_TOP, _ROLL_BOTTOM = 210, 560
_TITLE_SIZE, _WORDS_SIZE, _NAME_SIZE = 56, 30, 26
_LEAST_PITCHES = 24
_INSTALLED_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "msyh.ttc",
)
_NO_CHARACTER = "\U0010ffff"

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class _Frame:
    """Where the roll lies: steps to pixels across, pitches to pixels down."""

    steps: int
    low: int
    high: int

    def column(self, step: int) -> float:
        return _MARGIN + (WIDTH - 2 * _MARGIN) * step / self.steps

    def row(self, pitch: int) -> float:
        return _ROLL_TOP + (_ROLL_BOTTOM - _ROLL_TOP) * (self.high - pitch) / (self.high - self.low + 1)


def draw_picture(score: Score, *, join: int, title: str, words: str = "") -> bytes:
    """Draw a PNG of WIDTH x HEIGHT; notes from step `join` on are the new part. `words` stand below the title.

    What no font of this machine can show is left out rather than drawn as boxes.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    _write(pen, clean_text(title), _TITLE_SIZE, 56, INK)
    _write(pen, clean_text(words), _WORDS_SIZE, 138, SOFT)
    _write(pen, "musicdemo", _NAME_SIZE, 580, SOFT)
    _draw_roll(pen, score, join)
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _draw_roll(pen: ImageDraw.ImageDraw, score: Score, join: int) -> None:
    notes = [(note, track.is_drum) for track in score.tracks for note in track.notes]
    if not notes:
        return
    low, high = min(note.pitch for note, _ in notes), max(note.pitch for note, _ in notes)
    spare = max(0, _LEAST_PITCHES - (high - low + 1))
    frame = _Frame(score.bars[-1].end, low - spare // 2, high + spare - spare // 2)
    if 0 < join < frame.steps:
        pen.rectangle((frame.column(join), _ROLL_TOP - 8, WIDTH - _MARGIN, _ROLL_BOTTOM + 8), fill=NEW_GROUND)
    for note, _ in sorted(notes, key=lambda entry: entry[0]):
        top, left = frame.row(note.pitch), frame.column(note.onset)
        right = max(left + 2, frame.column(note.end) - 1.5)
        bottom = max(top + 3, frame.row(note.pitch - 1) - 1)
        pen.rounded_rectangle((left, top, right, bottom), 2, fill=NEW if note.onset >= join else SEED)


def _write(pen: ImageDraw.ImageDraw, text: str, size: int, top: int, colour: str) -> None:
    font = _font_for(text, size)
    if font is None:
        return
    if font.getlength(text) > WIDTH - 2 * _MARGIN:
        while text and font.getlength(text + "…") > WIDTH - 2 * _MARGIN:
            text = text[:-1]
        text = text.rstrip() + "…"
    pen.text((_MARGIN, top), text, fill=colour, font=font)


def _font_for(text: str, size: int) -> Font | None:
    """Return a font that has every character of the text."""
    return next((font for font in _fonts(size) if all(_has(font, sign) for sign in set(text + "…"))), None)


@cache
def _fonts(size: int) -> tuple[Font, ...]:
    own = ImageFont.load_default(size)
    return (*((own,) if isinstance(own, Font) else ()), *_installed_fonts(size))


def _installed_fonts(size: int) -> tuple[Font, ...]:
    fonts = []
    for name in _INSTALLED_FONTS:
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:  # this machine has no such font
            continue
    return tuple(fonts)


def _has(font: Font, sign: str) -> bool:
    """Say whether the font draws the character as itself, not as the box that stands for all it lacks."""
    if sign.isspace():
        return True
    drawn, lacking = font.getmask(sign), font.getmask(_NO_CHARACTER)
    return drawn.size != lacking.size or bytes(drawn) != bytes(lacking)
