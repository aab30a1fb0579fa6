"""Seeds: short pieces that ship with the program, to be continued.

They were written down for this project from general knowledge of tunes in the public domain, or composed for it; each
says which. Pieces that people bring are read elsewhere.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from musicdemo.music.notation import read_header, read_notation
from musicdemo.music.score import Score

MENU = (
    "minuet-in-g",
    "ode-to-joy",
    "old-hundredth",
    "canon-in-d",
    "greensleeves",
    "scarborough-fair",
    "jasmine-flower",
    "irish-washerwoman",
    "drowsy-maggie",
    "quartet-in-e-flat",
    "back-stairs-blues",
    "pocket-groove",
)
"""Names of the seeds in the order of a menu; the first is what the opening page plays."""


@dataclass(frozen=True)
class Seed:
    """A shipped piece: name as in an address, title, composer, one sentence about it, and the notes."""

    name: str
    title: str
    composer: str
    description: str
    score: Score


@cache
def shipped_seeds() -> tuple[Seed, ...]:
    """Return all seeds in the order of MENU; they are read once."""
    return tuple(_read_seed(name) for name in MENU)


def find_seed(name: str) -> Seed:
    """Return the seed of this name; raises ValueError, naming those there are, for any other."""
    for seed in shipped_seeds():
        if seed.name == name:
            return seed
    raise ValueError(f"there is no seed {name!r}; there are {', '.join(MENU)}")


def _read_seed(name: str) -> Seed:
    text = files("musicdemo").joinpath("seed_scores", f"{name}.txt").read_text(encoding="utf-8")
    header = read_header(text)
    return Seed(name, header["title"], header["composer"], header["about"], read_notation(text))
